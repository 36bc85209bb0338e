package aggregator

import (
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// listed are the GUIDs of all that the source lists, nil where the answer says less
// than that.
func listed(s *feeds.Source, r *fetch.Response) []string {
	const changesAlone = 226 // RFC 3229 §10.4.1
	if s.Local() || r.Feed.Truncated || r.Status == changesAlone || len(r.Feed.Entries) == 0 {
		return nil
	}
	guids := make([]string, len(r.Feed.Entries))
	for i := range r.Feed.Entries {
		guids[i] = r.Feed.Entries[i].GUID
	}
	return guids
}

// redated says that the source gives an unchanged entry a later date of change than
// the store has.
func redated(now time.Time, e *feeds.Entry, k feeds.Known) bool {
	return e.Updated.After(k.Updated) && !e.Updated.After(now)
}

// datesAnew says that the source dates most of its unchanged entries anew: then its
// dates say nothing (dedupe.md 6).
func datesAnew(now time.Time, f *feeds.Feed, known map[string]feeds.Known) bool {
	moved, of := 0, 0
	for i := range f.Entries {
		e := &f.Entries[i]
		if k, ok := known[e.GUID]; ok {
			of++
			if redated(now, e, k) {
				moved++
			}
		}
	}
	return moved > 2 && moved > of/2
}
