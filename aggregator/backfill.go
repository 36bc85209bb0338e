package aggregator

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
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
// one document a commit, with the pause of its host between them; what there is no time
// for, the next visit reads. v is the visit as it was committed last; what was in the way
// becomes a problem of it.
func (a *Aggregator) older(ctx context.Context, v *feeds.Visit, tally *feeds.Tally) error {
	d := v.Due
	d.Validators, d.Source.Backfill = feeds.Validators{}, v.Backfill
	undated := v.At
	if v.Feed != nil {
		undated = oldest(v.At, v.Feed.Entries)
	}
	seen, begun := map[string]bool{d.Source.Asked(): true}, time.Now()
	for d.Source.Backfill.URL != "" {
		if rest(ctx, a.Pause) != nil { // the next visit goes on
			return a.Store.Release(context.WithoutCancel(ctx), d, a.rest(&d.Source))
		}
		again := seen[d.Source.Backfill.URL]
		seen[d.Source.Backfill.URL] = true
		o, err := a.oneOlder(ctx, d, again, len(seen) == 2, &undated)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return a.Store.Release(context.WithoutCancel(ctx), d, a.rest(&d.Source))
		}
		if o.Backfill.Lost != "" {
			o.Problems = append(slices.Clone(v.Problems), o.Backfill.Lost)
		}
		if o.Rest = a.rest(&d.Source); time.Since(begun) >= a.Linger {
			o.More = time.Time{}
		}
		t, err := a.Store.Commit(ctx, o)
		if err != nil {
			return err
		}
		tally.Add(t)
		if o.Problems != nil {
			v.Problems = o.Problems
		}
		if o.Busy != "" { // the others of the pass hear of it
			v.Busy, v.BusyUntil = o.Busy, o.BusyUntil
		}
		d.Source.Backfill = o.Backfill
		if o.More.IsZero() {
			return nil
		}
	}
	return nil
}

// oneOlder looks at the next document of the past. The first one may hold no more than
// what the feed itself has just brought.
func (a *Aggregator) oneOlder(ctx context.Context, d feeds.Due, again, first bool, undated *time.Time) (feeds.Visit, error) {
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
		v.Backfill = unread(now, b, &r, err)
		return v, nil
	}
	known, err := a.known(ctx, d.Source.ID, r.Feed)
	if err != nil {
		return v, err
	}
	v.Feed = a.newsOf(now, d, r, known, *undated)
	*undated = oldest(*undated, r.Feed.Entries)
	if v.Backfill = past(r.Feed, b.Left-1); !first && len(known) > 0 && len(known) == len(r.Feed.Entries) {
		v.Backfill = feeds.Backfill{} // all of it is known, and so is what was before
	}
	if v.Backfill.URL != "" {
		v.More = a.Now().Add(a.Lease)
	}
	return v, nil
}

const (
	// A document of the past that fails is asked for after an hour, after two more,
	// at last once a week, and given up when it has failed so often for so long.
	unreadFloor    = time.Hour
	unreadCeiling  = 7 * 24 * time.Hour
	unreadFailures = 10
	unreadTime     = 30 * 24 * time.Hour
)

// unread is what is left of the past when its next document could not be read: the
// document, to be asked for later, or that it was given up.
func unread(now time.Time, b feeds.Backfill, r *fetch.Response, err error) feeds.Backfill {
	if !asked(r, err) {
		b.After = now.Add(unreadFloor)
		return b
	}
	if b.Failures++; b.Failures == 1 {
		b.Since = now.UTC()
	}
	b.Trouble = cmp.Or(feeds.Explain(err), "the server answered without a document")
	gone := hasStatus(err, 404) || hasStatus(err, 410)
	if gone || b.Failures >= unreadFailures && now.Sub(b.Since) >= unreadTime {
		return feeds.Backfill{Lost: lostSentence(&b)}
	}
	b.After = now.Add(min(unreadFloor<<min(b.Failures-1, 10), unreadCeiling))
	if r.RetryAfter.After(b.After) {
		b.After = r.RetryAfter
	}
	return b
}

func lostSentence(b *feeds.Backfill) string {
	often := ""
	if b.Failures > 1 {
		often = fmt.Sprintf(" %d times since %s", b.Failures, b.Since.Format("2 January 2006"))
	}
	return fmt.Sprintf("the posts before those of its feed are not all here: %s failed%s (%s) and is not asked any more", b.URL, often, b.Trouble)
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
