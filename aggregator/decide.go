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
	if f.Truncated {
		// What is whole is taken, but its ETag would hide the rest behind a 304
		// (fetching.md 5). The same bytes once more are all there is.
		v.Validators = feeds.Validators{URL: r.Validators.URL, BodyHash: r.Validators.BodyHash}
		v.Problems = append(v.Problems, "the end of the feed is missing; what is whole before it was read")
	}
	undated := undatedAt(now, &d.Source, r.Feed.Entries)
	for i := range r.Feed.Entries {
		e := r.Feed.Entries[i]
		place(&e, now, undated, i)
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

// undatedAt is the time of entries without a date: now, but at the first visit of
// a source that dates others, below all of those (dedupe.md 7). Feeds list their
// imprint without a date, and nobody wants to see that on top of a planet.
func undatedAt(now time.Time, s *feeds.Source, entries []feeds.Entry) time.Time {
	oldest := now
	if s.State.LastSuccess.IsZero() && !s.Local() {
		for i := range entries {
			if t := dated(&entries[i], now); !t.IsZero() && t.Before(oldest) {
				oldest = t
			}
		}
	}
	return oldest
}

// dated is when an entry was published, or where the feed only says that, as Atom
// may, updated; zero for no date or one in the future, which is not believed
// (parsing.md 24).
func dated(e *feeds.Entry, now time.Time) time.Time {
	t := e.Published
	if t.IsZero() {
		t = e.Updated
	}
	if t.After(now) {
		return time.Time{}
	}
	return t
}

// place gives an entry its place in time; those without a date keep the order of
// their document, from undated downwards.
func place(e *feeds.Entry, now, undated time.Time, index int) {
	now = now.UTC().Truncate(time.Microsecond)
	e.FirstSeen = now
	if e.Sort = dated(e, now); e.Sort.IsZero() {
		if !e.Published.IsZero() || !e.Updated.IsZero() {
			undated = now // in the future: the source's clock is wrong, the post is new
		}
		e.Sort = undated.UTC().Truncate(time.Microsecond).Add(-time.Duration(index) * time.Microsecond)
	}
	e.Changed = e.Updated
	if e.Updated.Before(e.Sort) || e.Updated.After(now) {
		e.Changed = e.Sort
	}
}
