package aggregator

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// decide makes a Visit of what a look told: which entries are new or revised, in
// which categories they belong, when to come back. It depends on its arguments
// alone.
func decide(now time.Time, d feeds.Due, r fetch.Response, err error, known map[string]feeds.Known,
	rules *feeds.Rules, in Intervals) feeds.Visit {
	s := &d.Source
	if err == nil && !r.NotModified {
		err = strange(s, r.Feed, known)
	}
	v := feeds.Visit{
		Due: d, At: now, Status: r.Status, RetryAfter: r.RetryAfter, Answer: r.Answer,
		Validators: r.Validators, Problems: r.Problems, Withdrawn: r.Withdrawn,
		Pace: paceOf(now, s, &r, err), Backfill: s.Backfill, Held: errors.Is(err, ErrStrange) || err != nil && s.State.Held,
	}
	v.Next, v.Answer.Next = next(now, s, &v.Pace, &r, err, in)
	v.Moving, v.Address = moved(now, s, &r, err)
	if v.Moving.Looked = s.Moving.Looked; r.Looked {
		v.Moving.Looked = now
	}
	v.Busy, v.BusyUntil = busy(now, &r, err)
	if v.Busy == "" {
		v.Busy, v.BusyUntil = r.Busy, r.BusyUntil
	}
	switch {
	case err != nil:
		v.Outcome, v.Err = feeds.Failed, err
		v.Validators, v.Withdrawn, v.Problems = d.Validators, nil, nil
		if isGone(s, err) {
			v.Outcome, v.Next, v.Answer.Next = feeds.Gone, time.Time{}, "the server said that it is gone for good (410)"
		}
		return v
	case r.NotModified:
		return v
	}
	if r.Feed.Truncated {
		// What is whole is taken, but its ETag would hide the rest behind a 304
		// (fetching.md 5). The same bytes once more are all there is.
		v.Validators = feeds.Validators{URL: r.Validators.URL, BodyHash: r.Validators.BodyHash}
		v.Problems = append(v.Problems, endMissing)
		v.Unread = d.Reread && !strings.Contains(s.State.LastError, endMissing) // else it never comes
	}
	if len(r.Feed.Entries) == 0 && !s.Local() && !s.Pace.Newest.IsZero() {
		v.Problems = append(v.Problems, "the feed has no entries any more; those it had stay")
		v.Pace.Newest, v.Pace.Tempo = s.Pace.Newest, s.Pace.Tempo
	}
	if r.FoundAt != "" && r.FoundAt != s.URL {
		v.Problems = append(v.Problems, fmt.Sprintf("its feed is no longer at %s, its site names %s instead; write that into the configuration", s.PublicURL(), r.FoundAt))
	}
	v.Feed = news(now, d, r.Feed, known, rules, undatedAt(now, s, r.Feed.Entries))
	v.Listed = listed(s, &r)
	if len(v.Feed.Entries) > 0 || len(v.Withdrawn) > 0 {
		v.Outcome = feeds.Changed
	}
	if s.State.LastSuccess.IsZero() && !s.Local() {
		v.Backfill = past(r.Feed, maxBackfill)
	}
	return v
}

// isGone says that the source's own address is gone for good: what it leads to for now,
// or has moved to since, may be gone without it (fetching.md 25).
func isGone(s *feeds.Source, err error) bool {
	var status *fetch.StatusError
	return errors.As(err, &status) && status.Status == 410 && !status.Redirected && s.Address == ""
}

const endMissing = "the end of the feed is missing; what is whole before it was read"

// busy is the host that said 429, and until when: an hour at least. The
// doubling of a source that fails again and again is its own (fetching.md 21, 22).
func busy(now time.Time, r *fetch.Response, err error) (host string, until time.Time) {
	if !hasStatus(err, 429) {
		return "", time.Time{}
	}
	if until = now.Add(busyFloor); r.RetryAfter.After(until) {
		until = r.RetryAfter
	}
	return feeds.DomainOf(r.URL), until
}

// news is the feed with those of its entries that are to be stored; undated is the
// time of entries without a date.
func news(now time.Time, d feeds.Due, f *feeds.Feed, known map[string]feeds.Known, rules *feeds.Rules, undated time.Time) *feeds.Feed {
	out := *f
	out.Entries = nil
	anew := datesAnew(now, f, known)
	from := d.Source
	if len(f.Authors) > 0 {
		from.Authors = f.Authors
	}
	for i := range f.Entries {
		e := f.Entries[i]
		place(&e, now, undated, i)
		if e.Language == "" {
			e.Language = feeds.Language(d.Source.Language)
		}
		k, ok := known[e.GUID]
		same := ok && !k.Withdrawn && !d.Reread && k.Hash == e.Hash()
		if same && (anew || !redated(now, &e, k)) || !d.Source.Kept(&e) {
			continue
		}
		if ok && anew {
			e.Updated = k.Updated // whether it was changed, its text says
		}
		e.Categories = rules.Lists(&e, &from)
		out.Entries = append(out.Entries, e)
	}
	return &out
}

// paceOf is the pace of a source after an answer; a 304 only renews its freshness,
// where it says something of that (fetching.md 7).
func paceOf(now time.Time, s *feeds.Source, r *fetch.Response, err error) feeds.Pace {
	p := s.Pace
	if err != nil || s.Local() {
		return p
	}
	if r.Feed != nil {
		p = r.Feed.Pace(now)
	}
	if !r.AgeKept {
		p.MaxAge = r.MaxAge
	}
	return p
}

const (
	// A move is believed when it was seen so often, and for so long (fetching.md 23).
	moveSeen = 3
	moveTime = 48 * time.Hour
	// moveFailed is the number of failures in a row after which a source is looked
	// for at its own address again.
	moveFailed = 3
)

// moved is where the source says it lives, and the address that is asked from now
// on.
func moved(now time.Time, s *feeds.Source, r *fetch.Response, err error) (feeds.Move, string) {
	if err != nil {
		if s.Address != "" && s.State.Failures+1 >= moveFailed {
			return feeds.Move{}, ""
		}
		return s.Moving, s.Address
	}
	switch r.FoundAt {
	case "":
	case s.URL:
		return feeds.Move{}, ""
	default:
		return feeds.Move{}, r.FoundAt
	}
	if r.MovedTo == "" {
		return feeds.Move{}, s.Address
	}
	m := s.Moving
	if m.To != r.MovedTo || m.Since.After(now) { // by a clock that was wrong
		m = feeds.Move{To: r.MovedTo, Since: now}
	}
	if m.Seen++; m.Seen < moveSeen || now.Sub(m.Since) < moveTime {
		return m, s.Address
	}
	if m.To == s.URL {
		return feeds.Move{}, ""
	}
	return feeds.Move{}, m.To
}

// ErrStrange means that a feed looks like somebody else's: its name, all its posts
// and all their hosts are others than before, as when a domain was sold.
var ErrStrange = errors.New("the feed looks like somebody else's")

// strange says why the feed is not taken for the source's.
func strange(s *feeds.Source, f *feeds.Feed, known map[string]feeds.Known) error {
	if s.Local() || s.FeedTitle == "" || f == nil || len(f.Entries) == 0 || len(known) > 0 {
		return nil
	}
	renamed := f.Title != "" && feeds.FoldTag(f.Title) != feeds.FoldTag(s.FeedTitle)
	if spoke := feeds.Language(s.FeedLanguage); !renamed && (spoke == "" || f.Language == "" || base(spoke) == base(f.Language)) {
		return nil
	}
	homes := map[string]bool{feeds.HostOf(s.URL): true, feeds.HostOf(s.Site): true, feeds.HostOf(s.FeedLink): true}
	for i := range f.Entries {
		if h := feeds.HostOf(f.Entries[i].Permalink); h != "" && homes[h] {
			return nil
		}
	}
	return fmt.Errorf("%w: it was called %q and is called %q now, and all its posts are new and on other hosts; they are held back, "+
		"and orrery release %s lets them in if that is right", ErrStrange, s.FeedTitle, f.Title, s.Slug)
}

// base is the language of a tag without its region: de of de-AT.
func base(tag string) string {
	for i := range len(tag) {
		if tag[i] == '-' {
			return tag[:i]
		}
	}
	return tag
}

// undatedAt is the time of entries without a date: now, but at the first visit of
// a source that dates others, below all of those (dedupe.md 7). Feeds list their
// imprint without a date, and nobody wants to see that on top of a planet.
func undatedAt(now time.Time, s *feeds.Source, entries []feeds.Entry) time.Time {
	if !s.State.LastSuccess.IsZero() || s.Local() {
		return now
	}
	return oldest(now, entries)
}

// oldest is the oldest date among entries, now if none has one.
func oldest(now time.Time, entries []feeds.Entry) time.Time {
	t := now
	for i := range entries {
		if at := dated(&entries[i], now); !at.IsZero() && at.Before(t) {
			t = at
		}
	}
	return t
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
		if undated.Before(now) {
			index++ // below what is dated so
		}
		e.Sort = undated.UTC().Truncate(time.Microsecond).Add(-time.Duration(index) * time.Microsecond)
	}
	e.Changed = e.Updated
	if e.Updated.Before(e.Sort) || e.Updated.After(now) {
		e.Changed = e.Sort
	}
}
