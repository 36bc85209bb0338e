package aggregator

import (
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// decide makes a Visit of what a look told: which entries are new or revised, in
// which categories they belong, when to come back. It depends on its arguments
// alone.
func decide(now time.Time, d feeds.Due, r fetch.Response, err error, known map[string]feeds.Known,
	rules *feeds.Rules, in Intervals) feeds.Visit {
	v := feeds.Visit{
		Due: d, At: now, Status: r.Status, RetryAfter: r.RetryAfter,
		Validators: r.Validators, Problems: r.Problems, Withdrawn: r.Withdrawn,
	}
	v.Next = next(now, &d.Source, &r, err, in)
	switch {
	case err != nil:
		v.Outcome, v.Err = feeds.Failed, err
		v.Validators, v.Withdrawn, v.Problems = d.Validators, nil, nil
		if hasStatus(err, 410) {
			v.Outcome = feeds.Gone
		}
		return v
	case r.NotModified:
		return v
	}
	f := *r.Feed
	f.Entries = nil
	for i := range r.Feed.Entries {
		e := r.Feed.Entries[i]
		place(&e, now, i)
		if e.Language == "" {
			e.Language = feeds.Language(d.Source.Language)
		}
		k, ok := known[e.GUID]
		if ok && !k.Withdrawn && k.Hash == e.Hash() || !d.Source.Kept(&e) {
			continue
		}
		e.Categories = rules.For(&e, &d.Source)
		f.Entries = append(f.Entries, e)
	}
	v.Feed = &f
	if len(f.Entries) > 0 || len(v.Withdrawn) > 0 {
		v.Outcome = feeds.Changed
	}
	return v
}

// place gives an entry its place in time. A date in the future is not believed
// (parsing.md 24). Where a feed only says when a post was updated, as Atom may,
// that is when it was published; a post without any date stands where its
// document put it.
func place(e *feeds.Entry, now time.Time, index int) {
	now = now.UTC().Truncate(time.Microsecond)
	e.FirstSeen = now
	e.Sort = e.Published
	if e.Sort.IsZero() {
		e.Sort = e.Updated
	}
	if e.Sort.IsZero() || e.Sort.After(now) {
		e.Sort = now.Add(-time.Duration(index) * time.Microsecond)
	}
	e.Changed = e.Updated
	if e.Updated.Before(e.Sort) || e.Updated.After(now) {
		e.Changed = e.Sort
	}
}
