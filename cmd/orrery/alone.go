package main

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"orrery/feeds"
	"orrery/storage"
)

// never says why a source is not visited any more; "" for one that is.
func never(s *feeds.Source) string {
	switch {
	case s.Retired:
		return "it is no longer configured"
	case s.Paused:
		return "it is paused; orrery sources resume " + s.Slug
	case s.SameAs != "":
		return "it has moved to where " + s.SameAs + " is; take it out of the configuration"
	case s.State.Gone:
		return "the server said that it is gone for good (410); orrery fetch " + s.Slug + " asks it all the same"
	}
	return ""
}

// nextOf is when a source is visited next, and why then: null for never.
func nextOf(s *feeds.Source, next time.Time, why string) (*time.Time, string) {
	if reason := never(s); reason != "" {
		return nil, reason
	}
	return timeOrNull(next), why
}

// solitude knows who is to be left alone, as the store has it.
type solitude struct {
	now     time.Time
	least   time.Duration            // fetch.min_interval
	list    []*feeds.Source          // by slug
	sources map[string]*feeds.Source // the same by address
	hosts   map[string]time.Time     // that were asked too often: until when
	claims  map[string]time.Time     // by slug: until when
}

func (pl *planet) solitude(ctx context.Context, db *storage.DB) (*solitude, error) {
	s := &solitude{now: time.Now(), least: pl.config.Fetch.MinInterval, sources: map[string]*feeds.Source{}}
	list, err := db.Sources(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		s.sources[list[i].URL] = &list[i]
		s.list = append(s.list, &list[i])
	}
	if s.hosts, err = db.BusyHosts(ctx, s.now); err != nil {
		return nil, err
	}
	s.claims, err = db.Leases(ctx, s.now)
	return s, err
}

// why is why a stored source was, or would be, left alone though it is wanted; "" for
// no reason.
func (x *solitude) why(s *feeds.Source) string {
	again := s.State.LastVisit.Add(x.least)
	switch wish := x.wish(s); {
	case s.Paused || s.SameAs != "":
		return never(s)
	case wish != "":
		return wish
	case !s.State.LastVisit.IsZero() && again.After(x.now) && !s.Local(): // its lease lasts for a moment longer
		return fmt.Sprintf("not before %s (fetch.min_interval)", untilTime(again))
	case !x.claims[s.Slug].IsZero():
		return fmt.Sprintf("it or another of its host is claimed by another process, which visits now or was killed while it did; free again at %s at the latest", untilTime(x.claims[s.Slug]))
	}
	return ""
}

// wish is what its server has asked for; "" for nothing that still holds.
func (x *solitude) wish(s *feeds.Source) string {
	host := s.Domain()
	switch {
	case s.State.RetryAfter.After(x.now):
		return "it asked to be left alone until " + untilTime(s.State.RetryAfter)
	case !x.hosts[host].IsZero():
		return fmt.Sprintf("%s, and is left alone until %s", busyHost(host), untilTime(x.hosts[host]))
	}
	return ""
}

// wishes says what the server of an address has asked for, as the store has it
// (fetching.md 20); who is gone may be asked by a person (25). A store that cannot be
// opened is no reason not to look at a feed.
func (pl *planet) wishes(ctx context.Context) func(*feeds.Source) string {
	nothing := &solitude{}
	known := sync.OnceValue(func() *solitude {
		if stored, err := pl.stored(ctx); err != nil || !stored {
			return nothing
		}
		db, err := storage.Open(ctx, pl.config.Storage)
		if err != nil {
			return nothing
		}
		defer db.Close()
		x, err := pl.solitude(ctx, db)
		if err != nil {
			return nothing
		}
		return x
	})
	return func(s *feeds.Source) string {
		x := known()
		wish := ""
		if there := x.sources[s.URL]; there != nil {
			wish = x.wish(there)
		}
		return cmp.Or(wish, x.wish(s)) // where it has moved to, and where it is configured
	}
}

func busyHost(host string) string {
	return fmt.Sprintf("its host %s said that it is asked too often (429)", host)
}

// spares is why of a configured source, which the store may not know, or know as one
// that was not configured any more.
func (x *solitude) spares(s *feeds.Source) string {
	why := x.why(s) // of its host
	if x.sources[s.URL] == nil {
		return why
	}
	known := *x.sources[s.URL]
	if known.Retired = false; known.State.Gone {
		return never(&known)
	}
	return cmp.Or(x.why(&known), why)
}

// untilTime is the minute in which a wait is over.
func untilTime(t time.Time) string {
	return shortTime(t.Add(time.Minute-time.Nanosecond), "")
}

// stored says that there is a database already: to open it would make it.
func (pl *planet) stored(ctx context.Context) (bool, error) {
	return storage.Exists(ctx, pl.config.Storage)
}

// spared are the configured sources that are not to be asked now, by their slugs, with
// the reason: those who want to be left alone, as the store has it. Nobody knows of
// any where there is none.
func (pl *planet) spared(ctx context.Context) (map[string]string, error) {
	if stored, err := pl.stored(ctx); err != nil {
		return nil, fmt.Errorf("who asked to be left alone is not known: %w", err)
	} else if !stored {
		return nil, nil
	}
	db, err := storage.Open(ctx, pl.config.Storage)
	if err != nil {
		return nil, fmt.Errorf("who asked to be left alone is not known: %w", err)
	}
	defer db.Close()
	x, err := pl.solitude(ctx, db)
	if err != nil {
		return nil, err
	}
	list := map[string]string{}
	for i := range pl.sources {
		s := &pl.sources[i]
		if why := x.spares(s); why != "" && !s.Local() {
			list[s.Slug] = why
		}
	}
	return list, nil
}
