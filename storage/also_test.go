package storage

import (
	"testing"
	"time"

	"orrery/feeds"
)

func TestEntryTellsWhereElseItIs(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"), remote("a"), remote("b"))
		p := post("p", epoch)
		p.GUID, p.GUIDGlobal = "tag:x.example,2026:p", true
		visit(t, db, "own", epoch, p)
		p.Permalink += "?utm_source=feed"
		visit(t, db, "b", epoch.Add(time.Minute), p)
		p.Permalink = "https://elsewhere.example/p"
		visit(t, db, "a", epoch.Add(time.Hour), p)
		e := only(t, db)
		if want := (feeds.Link{Rel: "via", URL: p.Permalink, Title: "Title of a"}); len(e.Also) != 2 || len(e.AlsoAt) != 1 || e.AlsoAt[0] != want {
			t.Errorf("also %d, at %+v", len(e.Also), e.AlsoAt)
		}
		f := (&feeds.Planet{URL: "https://p.example/", Title: "P"}).Compose(feeds.View{}, "feed.atom", []feeds.Entry{e})
		if got := f.Entries[0].Links; len(got) != 1 || got[0] != e.AlsoAt[0] {
			t.Errorf("its links are %+v", got)
		}
	})
}
