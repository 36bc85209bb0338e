package feeds

import (
	"slices"
	"time"
)

// Pace is what a source says about how often to come, and shows by how often it
// writes. It is kept between visits: a 304 says nothing of it.
type Pace struct {
	TTL       time.Duration  `json:"ttl,omitempty"`        // RSS ttl
	Period    time.Duration  `json:"period,omitempty"`     // sy:updatePeriod by sy:updateFrequency
	Base      time.Time      `json:"base,omitzero"`        // sy:updateBase: a time at which it changes, and every Period from there
	SkipHours []int          `json:"skip_hours,omitempty"` // 0 to 23, GMT
	SkipDays  []time.Weekday `json:"skip_days,omitempty"`
	MaxAge    time.Duration  `json:"max_age,omitempty"` // freshness of the last answer
	Tempo     time.Duration  `json:"tempo,omitempty"`   // mean time between its newest posts; 0: unknown
	Newest    time.Time      `json:"newest,omitzero"`   // its newest post's date
}

// tempoPosts is how many of a feed's newest posts tell its tempo.
const tempoPosts = 10

// Pace is the feed's, as of now: a date in the future tells nothing.
func (f *Feed) Pace(now time.Time) Pace {
	p := Pace{TTL: f.TTL, Period: f.UpdatePeriod, Base: f.UpdateBase, SkipHours: f.SkipHours, SkipDays: f.SkipDays}
	var dates []time.Time
	for i := range f.Entries {
		t := f.Entries[i].Published
		if t.IsZero() {
			t = f.Entries[i].Updated
		}
		if !t.IsZero() && !t.After(now) {
			dates = append(dates, t)
		}
	}
	if len(dates) == 0 {
		return p
	}
	slices.SortFunc(dates, func(a, b time.Time) int { return b.Compare(a) })
	dates = dates[:min(len(dates), tempoPosts)]
	p.Newest = dates[0]
	if n := len(dates) - 1; n > 0 {
		p.Tempo = dates[0].Sub(dates[n]) / time.Duration(n)
	}
	return p
}

// Answer is what is worth knowing of the last answer of a source, for whoever
// looks after the planet.
type Answer struct {
	URL    string        `json:"url,omitempty"`    // that answered, without credentials
	Hops   []string      `json:"hops,omitempty"`   // the redirects on the way: 301 https://…
	Header []string      `json:"header,omitempty"` // lines that matter: Cache-Control: max-age=600
	Bytes  int           `json:"bytes,omitempty"`  // of the document, after decompression
	Took   time.Duration `json:"took,omitempty"`   // from the first packet to the last byte
	Next   string        `json:"next,omitempty"`   // why the next visit is when it is
}

// Move is an address that a source says it has moved to for good, seen since Since
// in so many visits in a row.
type Move struct {
	To    string    `json:"to,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Seen  int       `json:"seen,omitempty"`
	// Looked is when the source's site was last asked where its feed is now.
	Looked time.Time `json:"looked,omitzero"`
}

// How long a server is left alone that asks for it: at least when it says that it is asked
// too often (429), and at most, since a mistyped number must not lose a source for ever
// (fetching.md 21, 22).
const (
	MinRest = time.Hour
	MaxRest = 7 * 24 * time.Hour
)

// Backfill is how far the older documents of a source were read (RFC 5005 §4).
type Backfill struct {
	URL  string `json:"url,omitempty"`  // the next one; "": nothing is left to read
	Left int    `json:"left,omitempty"` // how many may still be read
	// What was in the way of the next one since it was asked for first.
	Failures int       `json:"failures,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Trouble  string    `json:"trouble,omitempty"` // the last, a sentence
	After    time.Time `json:"after,omitzero"`    // it is not asked for before
	// Lost is a sentence about documents that were given up.
	Lost string `json:"lost,omitempty"`
}

// Due says that the next document may be asked for. A time that is further away than any
// is left alone was noted by a clock that was wrong.
func (b *Backfill) Due(now time.Time) bool {
	return b.URL != "" && (!now.Before(b.After) || b.After.Sub(now) > MaxRest+24*time.Hour)
}
