package aggregator

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// maxBackfill is how many older documents of a source are read at most.
const maxBackfill = 50

// past is where the documents before f are: its archive (RFC 5005 §4), else the
// next page (§3, JSON Feed's next_url).
func past(f *feeds.Feed, left int) feeds.Backfill {
	b := feeds.Backfill{URL: cmp.Or(f.PrevArchive, f.Next), Left: left}
	if b.URL == "" || left <= 0 || b.URL == f.Self {
		return feeds.Backfill{}
	}
	return b
}

// older reads what is left of the source's past after a visit that found it well,
// one document a commit, with the pause of its host between them. v is the visit as
// it was committed last.
func (a *Aggregator) older(ctx context.Context, v feeds.Visit, tally *feeds.Tally) error {
	d := v.Due
	d.Validators, d.Source.Backfill = feeds.Validators{}, v.Backfill
	undated := v.At
	if v.Feed != nil {
		undated = oldest(v.At, v.Feed.Entries)
	}
	seen := map[string]bool{d.Source.Asked(): true}
	for d.Source.Backfill.URL != "" {
		if rest(ctx, a.Pause) != nil { // the next visit goes on
			return a.Store.Release(context.WithoutCancel(ctx), d)
		}
		again := seen[d.Source.Backfill.URL]
		seen[d.Source.Backfill.URL] = true
		o, err := a.oneOlder(ctx, d, again, &undated)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return a.Store.Release(context.WithoutCancel(ctx), d)
		}
		t, err := a.Store.Commit(ctx, o)
		if err != nil {
			return err
		}
		tally.Add(t)
		d.Source.Backfill = o.Backfill
		if o.More.IsZero() {
			return nil
		}
	}
	return nil
}

// oneOlder looks at the next document of the past. One that cannot be read is tried
// again with the next visits, some times.
func (a *Aggregator) oneOlder(ctx context.Context, d feeds.Due, again bool, undated *time.Time) (feeds.Visit, error) {
	now, b := a.Now(), d.Source.Backfill
	v := feeds.Visit{Due: d, At: now, Next: d.Source.State.NextVisit, Older: true, Backfill: feeds.Backfill{URL: b.URL, Left: b.Left - 1}}
	if v.Backfill.Left <= 0 || again {
		v.Backfill = feeds.Backfill{}
		return v, nil
	}
	at := d
	at.Source.URL, at.Source.Address = withCredentials(b.URL, d.Source.URL), ""
	r, err := a.look(ctx, at)
	if err != nil || r.Feed == nil {
		v.Busy, v.BusyUntil = busy(now, &r, err)
		const trouble = 10 // a document that fails counts as so many
		if v.Backfill.Left = b.Left - trouble; v.Backfill.Left <= 0 {
			v.Backfill = feeds.Backfill{}
		}
		return v, nil
	}
	known, err := a.known(ctx, d.Source.ID, r.Feed)
	if err != nil {
		return v, err
	}
	v.Feed = a.newsOf(now, d, r, known, *undated)
	*undated = oldest(*undated, r.Feed.Entries)
	if v.Backfill = past(r.Feed, b.Left-1); len(known) > 0 && len(known) == len(r.Feed.Entries) {
		v.Backfill = feeds.Backfill{} // all of it is known, and so is what was before
	}
	if v.Backfill.URL != "" {
		v.More = a.Now().Add(a.Lease)
	}
	return v, nil
}

// withCredentials is the address with the name and password of the source's own,
// where it is one of the same host.
func withCredentials(address, source string) string {
	to, err := url.Parse(address)
	own, errOwn := url.Parse(source)
	if err != nil || errOwn != nil || own.User == nil || to.Scheme != own.Scheme || !strings.EqualFold(to.Host, own.Host) {
		return address
	}
	to.User = own.User
	return to.String()
}

// newsOf calls news. A post that makes it panic costs its document.
func (a *Aggregator) newsOf(now time.Time, d feeds.Due, r fetch.Response, known map[string]feeds.Known, undated time.Time) (f *feeds.Feed) {
	defer func() {
		if recover() != nil {
			f = &feeds.Feed{}
		}
	}()
	return news(now, d, r.Feed, known, a.Rules, undated)
}

// rest waits, or for the end of ctx.
func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
