package aggregator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// score is what is held against a reader of feeds on the scoreboard of
// rachelbythebay.com (fetching.md 45), and what we add to it.
type score struct {
	Unconditional       int // requests without the validators that there are
	MadeUp, OutOfOrder  int // validators that were never given, or not last
	Cookies, Referrers  int
	Parameters, Methods int // another query than the address has; another method than GET
	Chatter             int // headers that say more of us than a feed needs
	TooSoon             int // visits less than the floor after the last one
	Twice               int // requests for the same page in the same visit
	Impatient           int // requests before the time of a Retry-After
}

// board is a server that keeps the score of its reader. It publishes a post every
// five hours.
type board struct {
	name  string
	url   string
	query string
	allow netip.AddrPort
	clock func() time.Time
	// mood is how a request is answered.
	mood func(b *board, path string) mood
	// shape changes validators.
	shape func(pair) pair

	mu      sync.Mutex
	score   score
	excused int // requests without validators for a page that had given none
	pages   map[string]*page
	moods   map[string]int
	visits  int
	visited time.Time // last
	quiet   time.Time // nobody may ask before
	told    int       // the newest post in an answer that was whole
}

// pair are the validators of an answer: ETag and Last-Modified.
type pair [2]string

// page is an address of a board.
type page struct {
	given   pair          // last
	ever    map[pair]bool // that were given
	renamed int
	asked   time.Time
}

// mood is a way to answer.
type mood struct {
	name  string
	reply func(b *board, w http.ResponseWriter, r *http.Request, p *page)
}

const (
	floor  = time.Hour     // between two visits
	posted = 5 * time.Hour // between two posts
	window = 40            // posts in a feed
)

func newBoard(t *testing.T, n int, clock func() time.Time, name, address string, mood func(b *board, path string) mood) *board {
	t.Helper()
	b := &board{
		name: name, clock: clock, mood: mood, shape: func(v pair) pair { return v },
		pages: map[string]*page{}, moods: map[string]int{}, told: -1,
	}
	s := httptest.NewUnstartedServer(b)
	_ = s.Listener.Close()
	s.Listener = listen(t, n)
	s.Start()
	t.Cleanup(s.Close)
	b.url, b.allow = s.URL+address, netip.MustParseAddrPort(s.Listener.Addr().String())
	_, b.query, _ = strings.Cut(address, "?")
	return b
}

// ServeHTTP counts and answers.
func (b *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[r.URL.Path]
	if p == nil {
		p = &page{ever: map[pair]bool{}}
		b.pages[r.URL.Path] = p
	}
	m := b.mood(b, r.URL.Path)
	b.moods[m.name]++
	b.judgeManners(r)
	b.judgeValidators(r, p, m)
	b.judgeTime(p)
	w.Header().Set("Date", b.clock().Format(http.TimeFormat))
	w.Header().Set("Set-Cookie", "reader=42; Path=/; Max-Age=31536000")
	m.reply(b, w, r, p)
}

func (b *board) judgeManners(r *http.Request) {
	count(&b.score.Parameters, r.URL.RawQuery != b.query)
	count(&b.score.Methods, r.Method != http.MethodGet)
	for name := range r.Header {
		switch name {
		case "User-Agent", "Accept", "Accept-Encoding", "If-None-Match", "If-Modified-Since", "A-Im":
		case "Cookie":
			b.score.Cookies++
		case "Referer":
			b.score.Referrers++
		default:
			b.score.Chatter++
		}
	}
}

// judgeValidators compares with what the page gave last. A redirect gives none.
func (b *board) judgeValidators(r *http.Request, p *page, m mood) {
	switch got := (pair{r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")}); {
	case got == p.given && got != pair{}, got == pair{} && m.name == "moved":
	case got != pair{}:
		count(&b.score.OutOfOrder, p.ever[got])
		count(&b.score.MadeUp, !p.ever[got])
	case p.given == pair{} && !p.asked.IsZero():
		b.excused++
	default:
		b.score.Unconditional++
	}
}

// judgeTime counts visits: what comes at one time is one, since the clock stands
// still during a pass.
func (b *board) judgeTime(p *page) {
	now := b.clock()
	count(&b.score.Impatient, now.Before(b.quiet))
	count(&b.score.Twice, p.asked.Equal(now))
	p.asked = now
	if !b.visited.Equal(now) {
		count(&b.score.TooSoon, now.Before(b.visited.Add(floor)))
		b.visited = now
		b.visits++
	}
}

// silent says whether nobody may ask now.
func (b *board) silent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock().Before(b.quiet)
}

func count(n *int, fault bool) {
	if fault {
		*n++
	}
}

// newest is the number of the newest post.
func (b *board) newest() int { return int(b.clock().Sub(epoch) / posted) }

// feed is what is published now.
func (b *board) feed() string {
	var f strings.Builder
	fmt.Fprintf(&f, `<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x:%s</id><title>%[1]s</title>`, b.name)
	for i := b.newest(); i >= max(0, b.newest()-window+1); i-- {
		fmt.Fprintf(&f, `<entry><id>%s</id><title>%d</title><updated>%s</updated></entry>`, b.post(i), i, b.time(i).Format(time.RFC3339))
	}
	return f.String() + `</feed>`
}

// post is the GUID of the n-th one.
func (b *board) post(n int) string { return fmt.Sprintf("urn:x:%s-%d", b.name, n) }

// time is when the n-th post is published.
func (b *board) time(n int) time.Time { return epoch.Add(time.Duration(n) * posted) }

// current are the validators of what is published now, odd as they come.
func (b *board) current(p *page) pair {
	modified := b.time(b.newest()).Format("Mon, 2 jan 2006 15:4:5 GMT")
	return b.shape(pair{fmt.Sprintf(`W/"%s %d/%d-gzip"`, b.name, b.newest(), p.renamed), modified})
}

// tells sends the feed, or that it is the same as before, with its validators.
func (b *board) tells(w http.ResponseWriter, r *http.Request, p *page, known pair) {
	p.given = b.current(p)
	p.ever[p.given] = true
	for i, name := range []string{"ETag", "Last-Modified"} {
		if v := p.given[i]; v != "" {
			w.Header().Set(name, v)
		}
	}
	if got := (pair{r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")}); got == known {
		b.moods["304"]++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	b.sends(w)
}

func (b *board) sends(w http.ResponseWriter) {
	b.moods["200"]++
	b.told = b.newest()
	fmt.Fprint(w, b.feed())
}
