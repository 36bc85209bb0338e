package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"orrery/feeds"
)

// view is what a page or feed is of, besides its entries.
type view struct {
	feeds.View
	name string // of the category or source alone
	// home and feed are a source's own addresses.
	home, feed string
	// newest is the month at which its charts end, which no version of the view knows.
	newest feeds.Month
}

// document is the document of rt: the kept one if nothing has changed since,
// else a new one. Requests that come at the same time wait for the same
// rendering, which goes on when the one that began it is given up. None waits for long
// while there is one that was good: a store that says nothing is no reason to say nothing.
func (s *Site) document(ctx context.Context, rt route) (*document, error) {
	if d := s.current(rt); d != nil {
		return d, nil
	}
	made := s.flight.DoChan(rt.String(), func() (_ any, err error) {
		// There is no request above this that would contain it.
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("make %s: %v", rt, p)
			}
		}()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renderTimeout)
		defer cancel()
		return s.renew(ctx, rt)
	})
	var enough <-chan time.Time
	old := s.keeps(rt).get(rt)
	if old != nil {
		t := time.NewTimer(s.patience)
		defer t.Stop()
		enough = t.C
	}
	select {
	case r := <-made:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*document), nil
	case <-enough:
		return old.doc, nil
	}
}

// keeps is where the document of rt is kept.
func (s *Site) keeps(rt route) *cache {
	if rt.kind == atSearch {
		return s.searches
	}
	return s.cache
}

// current is the kept document if it need not be checked: it was in this epoch,
// or that failed in this tick, or whoever asked last whether anything has changed was told
// nothing. The status page is, while it is young.
func (s *Site) current(rt route) *document {
	k := s.keeps(rt).get(rt)
	if k == nil {
		return nil
	}
	fresh := k.epoch.Load() == s.epoch.Load()
	if rt.isHealth() {
		fresh = s.now().Sub(k.made) < statusAge
	}
	if fresh || s.lost.Load() || k.failed.Load() == s.tick.Load()+1 {
		return k.doc
	}
	return nil
}

// renew checks a kept document and makes it anew if need be. When that fails
// the last good bytes are served (hostile.md).
func (s *Site) renew(ctx context.Context, rt route) (*document, error) {
	if d := s.current(rt); d != nil {
		return d, nil // made while this request waited its turn
	}
	epoch, old := s.epoch.Load(), s.keeps(rt).get(rt)
	k, err := s.remake(ctx, rt, old)
	switch {
	case err == nil:
		k.epoch.Store(epoch)
		if k != old {
			s.keeps(rt).put(k)
		}
		return k.doc, nil
	case errors.Is(err, errNotFound):
		s.keeps(rt).drop(rt)
		return nil, err
	case old != nil && errors.Is(err, errBusy):
		return old.doc, nil
	case old != nil:
		old.failed.Store(s.tick.Load() + 1) // which may not be that in which it began
		s.log(fmt.Errorf("make %s anew, the last good one is served: %w", rt, err))
		return old.doc, nil
	}
	return nil, err
}

// remake returns old if nothing it shows has changed, else a new document. The
// version is read before the entries: a change in between is found next time.
func (s *Site) remake(ctx context.Context, rt route, old *kept) (*kept, error) {
	v, err := s.view(ctx, rt)
	if err != nil {
		return nil, err
	}
	made := s.now()
	var seq int64
	var changed time.Time
	if !rt.isHealth() { // no version tells of its changes, nor when they were
		if seq, changed, err = s.reader.Version(ctx, rt.query(s.planet.Entries)); err != nil {
			return nil, fmt.Errorf("read its version: %w", err)
		}
		if old != nil && old.seq == seq && old.view == v && (rt.feed != "" || old.look == *s.look.Load()) {
			return old, nil
		}
	}
	if rt.kind == atSearch {
		done, err := s.finding(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
	}
	m, err := s.gather(ctx, rt, v)
	if err != nil {
		return nil, err
	}
	body, err := s.render(rt, m)
	if err != nil {
		return nil, err
	}
	f := s.facts(rt, changed)
	if old != nil && old.doc.modified.After(f.modified) {
		f.modified = old.doc.modified // Last-Modified never goes back
	}
	if old != nil && rt.feed == "" && !rt.isHealth() && !bytes.Equal(body, old.doc.plain.body) && !f.modified.After(old.doc.modified) {
		f.modified = made // what stands around the entries has changed
	}
	k := &kept{route: rt, seq: seq, view: v, look: m.look, made: made, doc: newDocument(body, f)}
	if old != nil && old.doc.same(k.doc) {
		k.doc = old.doc // what nobody can see changed nothing
	}
	return k, nil
}

// render makes the bytes of a document from its material and nothing else. A
// panic, which only an input nobody foresaw can cause, becomes an error.
func (s *Site) render(rt route, m material) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("render: %v", p)
		}
	}()
	var b bytes.Buffer
	switch {
	case rt.kind == atOPML, rt.feed == opml:
		err = feeds.WriteOPML(&b, s.outline(m))
	case rt.kind == atSitemap:
		return s.sitemap(m)
	case rt.feed != "":
		err = s.writeFeed(&b, rt, m)
	default:
		err = s.writePage(&b, rt, m)
	}
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return b.Bytes(), nil
}

// writeFeed writes no xml-stylesheet for people who open a feed instead of following
// it: browsers show what has a feed's media type as text, and look at no style
// (output.md 25). The page that links the feed says what it is.
func (s *Site) writeFeed(w io.Writer, rt route, m material) error {
	f := s.feed(rt, m)
	switch rt.feed {
	case "atom":
		return feeds.WriteAtom(w, f)
	case "rss":
		return feeds.WriteRSS(w, f)
	}
	return feeds.WriteJSON(w, f)
}

// feed is what a feed document says.
func (s *Site) feed(rt route, m material) *feeds.Feed {
	f := s.planet.Compose(m.view.View, rt.document(), m.entries)
	f.Self = s.planet.URL + rt.escaped()
	switch {
	case rt.kind == atSearch:
	case rt.archive > 0: // RFC 5005 §4
		f.Archive, f.Current = true, s.planet.URL+rt.of(0).escaped()
		if rt.archive > 1 {
			f.PrevArchive = s.planet.URL + rt.of(rt.archive-1).escaped()
		}
		if rt.archive < m.archives {
			f.NextArchive = s.planet.URL + rt.of(rt.archive+1).escaped()
		}
	case rt.arrival || rt.excerpts: // another order, or less of each: no beginning of the past
	case len(m.entries) < s.planet.Entries:
		f.Complete = true // RFC 5005 §2
	case m.archives > 0:
		f.PrevArchive = s.planet.URL + rt.of(m.archives).escaped()
	}
	f.Next = f.PrevArchive
	if rt.changes() {
		f.Hubs = s.hubs
		if node := s.node(rt); node != "" {
			f.Links = append(f.Links, feeds.Link{Rel: "alternate", URL: node})
		}
	}
	s.planet.Bury(f, m.deleted)
	for _, why := range f.Dropped {
		s.log(fmt.Errorf("write %s: %s", rt, why))
	}
	if rt.excerpts {
		f.Excerpts()
	}
	return f
}

// outline is the list of sources for other readers. A folder of ours is named
// by the feed we make of it: where it lies on our disk is nobody's business.
func (s *Site) outline(m material) *feeds.OPML {
	o := &feeds.OPML{Title: m.view.Title, Owner: s.planet.Owner}
	for i := range m.sources {
		src := &m.sources[i]
		if src.Retired || !validName(src.Slug) {
			continue
		}
		l := feeds.Outline{Title: src.Name(), FeedURL: src.PublicURL(), SiteURL: src.Home(), Language: src.Language}
		if src.Local() {
			l.FeedURL = s.planet.URL + route{kind: atSource, name: src.Slug, feed: "atom"}.escaped()
		}
		for _, c := range src.Categories {
			l.Categories = append(l.Categories, c.Title)
		}
		if src.Updated.After(o.Updated) {
			o.Updated = src.Updated
		}
		o.Outlines = append(o.Outlines, l)
	}
	return o
}

// facts are the headers of a document.
func (s *Site) facts(rt route, changed time.Time) facts {
	f := facts{
		typ: "text/html; charset=utf-8", control: s.max, policy: pagePolicy,
		self: s.planet.URL + rt.escaped(), modified: changed,
	}
	switch {
	case rt.isHealth():
		f.control = statusControl
		return f
	case rt.kind == atSitemap:
		f.typ, f.policy = "application/xml; charset=utf-8", feedPolicy
		return f
	case rt.kind == atOPML, rt.feed == opml:
		f.typ = feeds.OPMLType
	case rt.feed == "atom":
		f.typ = feeds.AtomType
	case rt.feed == "rss":
		f.typ = feeds.RSSType
	case rt.feed == "json":
		f.typ = feeds.JSONType
	default:
		return f
	}
	f.policy, f.open = feedPolicy, true
	if rt.changes() {
		f.hubs = s.hubs
	}
	return f
}

// node is the xmpp: address of the node that has the entries of the view; "": there is
// none.
func (s *Site) node(rt route) string {
	switch rt.kind {
	case atHome:
		return s.nodes[""]
	case atCategory:
		return s.nodes[rt.name]
	}
	return ""
}
