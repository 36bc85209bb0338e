package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/storage/pgtest"
)

// What happens in the chaos test, and how often.
const (
	chaosWorkers  = 4
	chaosSources  = 400
	chaosLease    = 3 * time.Second
	chaosInterval = 10 * time.Second       // between two visits of a source
	chaosKill     = 400 * time.Millisecond // between two workers that are killed
	chaosStop     = 30 * time.Second       // between two ends of the server
	chaosFreeze   = 7 * time.Second        // between two workers that are stopped beyond their leases
	chaosThaw     = 3 * time.Second        // a worker that goes on is not killed before it has said what became of it
	chaosLook     = 150 * time.Millisecond // a visit takes at most
)

// chaosTime is how long it lasts: ORRERY_CHAOS=1h for an hour, which go test allows with
// -timeout 2h.
func chaosTime(t *testing.T) time.Duration {
	t.Helper()
	if d, err := time.ParseDuration(os.Getenv("ORRERY_CHAOS")); err == nil {
		return d
	}
	if os.Getenv("CI") == "true" {
		return 3 * time.Minute
	}
	return 20 * time.Second
}

// childWorks is a worker that visits whoever is due, and says which visit of which
// source is stored, for ever. A database that is away comes back.
func childWorks(address string) error {
	var db *DB
	for {
		var err error
		if db, err = Open(context.Background(), address); err == nil {
			break
		}
		<-time.After(20 * time.Millisecond) // the server is being started anew
	}
	var out sync.Mutex
	for {
		now := time.Now()
		due, err := db.Claim(context.Background(), feeds.Want{Now: now, Start: now, N: 8, Lease: chaosLease})
		if err != nil || len(due) == 0 {
			<-time.After(20 * time.Millisecond) // nobody is due, or nobody answers
			continue
		}
		var wg sync.WaitGroup
		for _, d := range due {
			wg.Go(func() {
				<-time.After(rand.N(chaosLook)) // who is asked takes his time
				n, err := childLooks(db, d)
				out.Lock()
				defer out.Unlock()
				switch {
				case err == nil:
					fmt.Printf("%s %d\n", d.Source.Slug, n)
				case errors.Is(err, feeds.ErrLeaseLost):
					fmt.Println(tooLate)
				}
			})
		}
		wg.Wait()
	}
}

// tooLate is what a worker says whose visit was refused, since its lease had ended.
const tooLate = "late"

// childLooks makes the next visit of a source, whose number its validator tells.
func childLooks(db *DB, d feeds.Due) (n int, err error) {
	if d.Validators.ETag != "" {
		if n, err = strconv.Atoi(strings.Trim(d.Validators.ETag, `"`)); err != nil {
			return 0, err
		}
		n++
	}
	now := time.Now()
	v := visitOf(d, now)
	v.Next = now.Add(chaosInterval)
	published := epoch.Add(time.Duration(n) * time.Hour)
	for i := range childPosts {
		v.Feed.Entries = append(v.Feed.Entries, placed(in(post(fmt.Sprintf("%s-%d-%d", d.Source.Slug, n, i), published), "All"), published))
	}
	v.Validators = feeds.Validators{URL: d.Source.URL, ETag: fmt.Sprintf(`"%d"`, n)}
	_, err = db.Commit(context.Background(), v)
	return n, err
}

// chaos is the parent's view of it.
type chaos struct {
	t      *testing.T
	r      *rand.Rand
	server *pgtest.Server
	url    string

	mu                    sync.Mutex
	workers               []*child
	frozen                map[int]time.Time    // places of workers that are stopped, and until when they are not killed
	lines                 []string             // what was acknowledged
	late                  int                  // visits that were refused
	before                []string             // what was stored at the first outage
	last                  map[string]time.Time // when a source was visited last
	back                  time.Time            // when the server was started last
	waited                time.Duration        // the longest that one stood there when its lease had ended, while there was a server
	outages               time.Duration        // the sum of them
	lastEntry, lastEvent  int64                // of before
	kills, stops, freezes int
	readers               sync.WaitGroup
}

// start starts a worker in the place.
func (c *chaos) start(place int) {
	w := startChild(c.t, "work", c.url)
	c.workers[place] = w
	c.readers.Go(func() {
		c.read(w.out)
		_ = w.cmd.Wait() // which closes what is still to be read
	})
}

func (c *chaos) read(out *bufio.Scanner) {
	for out.Scan() {
		slug, _, _ := strings.Cut(out.Text(), " ")
		c.mu.Lock()
		if slug == tooLate {
			c.late++
			c.mu.Unlock()
			continue
		}
		c.lines = append(c.lines, out.Text())
		c.last[slug] = time.Now()
		c.mu.Unlock()
	}
}

// watch looks how long those have stood there whose lease has ended before they were
// visited, until it is told to end. What happens while there is no server counts for
// nobody.
func (c *chaos) watch(db *DB, end <-chan struct{}) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
		}
		now := time.Now()
		c.mu.Lock()
		back := c.back
		c.mu.Unlock()
		var late int64
		if db.read.QueryRow(`SELECT coalesce(min(lease), 0) FROM sources WHERE lease > next_visit`).Scan(&late) != nil || late == 0 {
			continue // it is down, or nobody is claimed
		}
		since := fromMicros(late)
		if since.Before(back) {
			since = back
		}
		c.mu.Lock()
		if back.Equal(c.back) {
			c.waited = max(c.waited, now.Sub(since))
		}
		c.mu.Unlock()
	}
}

// heal waits until every source was visited once more, now that nobody dies.
func (c *chaos) heal() {
	now, deadline := time.Now(), time.Now().Add(time.Minute)
	for {
		waiting := chaosSources
		c.mu.Lock()
		for _, at := range c.last {
			if at.After(now) {
				waiting--
			}
		}
		c.mu.Unlock()
		if waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.t.Errorf("%d sources were not visited again within a minute of peace", waiting)
			return
		}
		<-time.After(50 * time.Millisecond)
	}
}

// free is the place of a worker that is not stopped; -1: there is none.
func (c *chaos) free() int {
	var list []int
	for place := range c.workers {
		if c.frozen[place].Before(time.Now()) {
			list = append(list, place)
		}
	}
	if len(list) == 0 {
		return -1
	}
	return list[c.r.IntN(len(list))]
}

func (c *chaos) kill() {
	place := c.free()
	if place < 0 {
		return
	}
	w := c.workers[place]
	_ = w.cmd.Process.Kill()
	c.start(place)
	c.kills++
}

// freeze stops a worker beyond its leases, wherever it is. When it goes on it is too late
// with what it had in hand, and has to find that out.
func (c *chaos) freeze() {
	place := c.free()
	if place < 0 {
		return
	}
	const stopped = chaosLease + time.Second
	p := c.workers[place].cmd.Process
	_ = p.Signal(syscall.SIGSTOP)
	c.frozen[place] = time.Now().Add(stopped + chaosThaw)
	c.freezes++
	time.AfterFunc(stopped, func() { _ = p.Signal(syscall.SIGCONT) })
}

// outage ends the server in the middle of everything and starts it again. How late
// the sources are by then counts for nobody.
func (c *chaos) outage() {
	begin := time.Now()
	if c.stops++; c.stops%2 == 0 {
		c.server.Kill()
	} else {
		c.server.Stop("immediate")
	}
	c.server.Restart(c.t)
	c.mu.Lock()
	c.back = time.Now()
	c.outages += time.Since(begin)
	c.mu.Unlock()
	if c.before == nil {
		c.before = c.numbers(0, 0)
	}
}

// numbers are what others know entries and events by, up to these ids; 0: all that there
// are.
func (c *chaos) numbers(entry, event int64) []string {
	db, err := Open(c.t.Context(), c.url) // one that has seen no outage
	if err != nil {
		c.t.Fatal(err)
	}
	defer shut(c.t, db)
	if entry == 0 {
		err := db.read.QueryRow(`SELECT (SELECT coalesce(max(id), 0) FROM entries), (SELECT coalesce(max(id), 0) FROM outbox)`).Scan(&c.lastEntry, &c.lastEvent)
		if err != nil {
			c.t.Fatal(err)
		}
		entry, event = c.lastEntry, c.lastEvent
	}
	return column(c.t, db, `SELECT 'entry ' || id || ' ' || public_id || ' ' || guid || ' at ' || sort FROM entries WHERE id <= $1
		UNION ALL SELECT 'event ' || id || ' ' || entry_id || ' ' || event FROM outbox WHERE id <= $2 ORDER BY 1`, entry, event)
}

// Four workers over one PostgreSQL, of which one is killed every 0.4 seconds and one
// stopped beyond its leases now and then, while the server itself is killed: nothing
// acknowledged is lost, no visit is stored by half or twice, and whoever was claimed
// by a dead one is visited when its lease has ended.
func TestWorkersThatDieAllTheTimeLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it lasts")
	}
	t.Parallel() // it waits most of the time
	seed := rand.Uint64()
	server := pgtest.Start(t, true)
	c := &chaos{t: t, r: rand.New(rand.NewPCG(seed, 0)), server: server, url: server.URL(t), workers: make([]*child, chaosWorkers), last: map[string]time.Time{}, frozen: map[int]time.Time{}}
	db, err := Open(t.Context(), c.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	var list []feeds.Source
	for i := range chaosSources {
		list = append(list, remote(fmt.Sprintf("s%d", i)))
	}
	configure(t, db, nil, list...)
	for place := range c.workers {
		c.start(place)
	}
	c.back = time.Now()
	end := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(db, end) })
	c.reign(chaosTime(t))
	close(end)
	watching.Wait()
	c.heal()
	for _, w := range c.workers {
		_ = w.cmd.Process.Kill()
	}
	c.readers.Wait()
	t.Logf("seed %d: %d visits acknowledged, %d refused as too late, %d workers killed, %d stopped, the server ended %d times (%v away); at most %v from a lease's end to the next claim",
		seed, len(c.lines), c.late, c.kills, c.freezes, c.stops, c.outages.Round(time.Millisecond), c.waited.Round(time.Millisecond))
	c.judge(db)
}

// reign lets it all happen for a while.
func (c *chaos) reign(d time.Duration) {
	kill, stop, freeze := time.NewTicker(chaosKill), time.NewTicker(min(chaosStop, d/2)), time.NewTicker(chaosFreeze)
	defer kill.Stop()
	defer stop.Stop()
	defer freeze.Stop()
	end := time.After(d)
	for {
		select {
		case <-kill.C:
			c.kill()
		case <-freeze.C:
			c.freeze()
		case <-stop.C:
			c.outage()
		case <-end:
			return
		}
	}
}

func (c *chaos) judge(db *DB) {
	t := c.t
	sound(t, db)
	by := map[string][]string{}
	seen := map[string]bool{}
	for _, l := range c.lines {
		// The number of a visit follows from what is stored: after one that was lost, or that
		// somebody overwrote whose lease had ended, there is another of the number.
		if seen[l] {
			t.Errorf("visit %s was acknowledged twice", l)
		}
		seen[l] = true
		slug, _, _ := strings.Cut(l, " ")
		by[slug] = append(by[slug], l)
	}
	if len(by) < chaosSources {
		t.Errorf("only %d sources were ever visited", len(by))
	}
	for slug, lines := range by {
		wholeVisits(t, db, slug, lines, childPosts) // a first visit brings the past
	}
	twice := column(t, db, `SELECT guid FROM entries GROUP BY guid HAVING count(*) > 1`)
	same(t, "posts that are two entries", twice, []string{})
	lines(t, "entries and events of the first half minute", c.numbers(c.lastEntry, c.lastEvent), c.before)
	if c.late == 0 && c.freezes >= 20 {
		t.Errorf("of %d workers that were stopped beyond their leases none was too late: the test tests nothing", c.freezes)
	}
	most := 2 * time.Second
	if os.Getenv("ORRERY_CHAOS") != "" { // by hand, on a machine with nothing else to do
		most = time.Second
	}
	if c.waited > most {
		t.Errorf("a source stood there for %v when its lease had ended", c.waited)
	}
}
