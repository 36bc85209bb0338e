package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"orrery/feeds"
)

// view is what a page or feed is of, besides its entries.
type view struct {
	feeds.View
	name string // of the category or source alone
	// home and feed are a source's own addresses.
	home, feed string
}

// material is all that a document is made from: the same material, the same bytes.
type material struct {
	view       view
	entries    []feeds.Entry
	versions   []feeds.Version // of the only entry
	sources    []feeds.Source
	categories []feeds.Category
	held       map[string]feeds.HeldPosts // by source
	authors    map[string]feeds.Category  // by slug
	archives   int                        // the number of the last
	deleted    []feeds.Tombstone
}

// document is the document of rt: the kept one if nothing has changed since,
// else a new one. Requests that come at the same time wait for the same
// rendering, which goes on when the one that began it is given up.
func (s *Site) document(ctx context.Context, rt route) (*document, error) {
	if d := s.current(rt); d != nil {
		return d, nil
	}
	d, err, _ := s.flight.Do(rt.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renderTimeout)
		defer cancel()
		return s.renew(ctx, rt)
	})
	if err != nil {
		return nil, err
	}
	return d.(*document), nil
}

// keeps is where the document of rt is kept.
func (s *Site) keeps(rt route) *cache {
	if rt.kind == atSearch {
		return s.searches
	}
	return s.cache
}

// current is the kept document if it need not be checked: it was in this epoch,
// or that failed in this tick. The status page is, while it is young.
func (s *Site) current(rt route) *document {
	k := s.keeps(rt).get(rt)
	if k == nil {
		return nil
	}
	fresh := k.epoch.Load() == s.epoch.Load()
	if rt.kind == atStatus {
		fresh = s.now().Sub(k.made) < statusAge
	}
	if fresh || k.failed.Load() == s.tick.Load()+1 {
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
	epoch, tick, old := s.epoch.Load(), s.tick.Load(), s.keeps(rt).get(rt)
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
	case old != nil:
		old.failed.Store(tick + 1)
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
	if rt.kind != atStatus { // no version tells of its changes, nor when they were
		if seq, changed, err = s.reader.Version(ctx, rt.query(s.planet.Entries)); err != nil {
			return nil, fmt.Errorf("read its version: %w", err)
		}
		if old != nil && old.seq == seq && old.view == v {
			return old, nil
		}
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
	k := &kept{route: rt, seq: seq, view: v, made: made, doc: newDocument(body, f)}
	if old != nil && old.doc.same(k.doc) {
		k.doc = old.doc // what nobody can see changed nothing
	}
	return k, nil
}

// gather asks the store for what the document of rt shows.
func (s *Site) gather(ctx context.Context, rt route, v view) (m material, err error) {
	if rt.feed == opml {
		return s.gatherList(ctx, rt, v)
	}
	m.view = v
	switch rt.kind {
	case atSources, atOPML:
		if m.sources, err = s.reader.Sources(ctx); err != nil {
			return m, fmt.Errorf("read the sources: %w", err)
		}
	case atStatus:
		if m.sources, err = s.reader.Sources(ctx); err != nil {
			return m, fmt.Errorf("read the sources: %w", err)
		}
		if m.held, err = s.reader.Held(ctx); err != nil {
			return m, fmt.Errorf("read what is held back: %w", err)
		}
	case atCategories:
		if m.categories, err = s.reader.Lists(ctx); err != nil {
			return m, fmt.Errorf("read the categories: %w", err)
		}
	default:
		if m.entries, err = s.reader.Entries(ctx, rt.query(s.planet.Entries)); err != nil {
			return m, fmt.Errorf("read the entries: %w", err)
		}
		err = s.gatherAround(ctx, rt, &m)
	}
	return m, err
}

// gatherAround asks for what a document says besides its entries.
func (s *Site) gatherAround(ctx context.Context, rt route, m *material) error {
	if rt.feed != "" {
		return s.gatherPast(ctx, rt, m)
	}
	d, err := s.directory(ctx)
	if err != nil {
		return err
	}
	m.authors = d.authors
	if rt.kind != atEntry {
		return nil
	}
	if len(m.entries) == 0 {
		return s.fate(ctx, rt.name)
	}
	m.versions, err = s.versions(ctx, &m.entries[0])
	return err
}

// gatherList asks for the sources of a category: who was put into it, and who has an
// entry in it.
func (s *Site) gatherList(ctx context.Context, rt route, v view) (material, error) {
	m := material{view: v}
	in, err := s.reader.SourcesIn(ctx, rt.name)
	if err != nil {
		return m, fmt.Errorf("read who writes in the category: %w", err)
	}
	if m.sources, err = s.reader.Sources(ctx); err != nil {
		return m, fmt.Errorf("read the sources: %w", err)
	}
	m.sources = slices.DeleteFunc(m.sources, func(x feeds.Source) bool {
		return !slices.Contains(in, x.Slug) && !slices.ContainsFunc(x.Categories, func(c feeds.CategoryName) bool { return c.Slug == rt.name })
	})
	return m, nil
}

// gatherPast asks for what a feed says of what was before its entries.
func (s *Site) gatherPast(ctx context.Context, rt route, m *material) (err error) {
	q := rt.page().query(0)
	if m.archives, err = s.reader.Archives(ctx, q); err != nil {
		return fmt.Errorf("read its archives: %w", err)
	}
	if rt.archive > m.archives {
		return errNotFound
	}
	if rt.archive == 0 {
		if m.deleted, err = s.reader.Tombstones(ctx, q); err != nil {
			return fmt.Errorf("read what was taken back: %w", err)
		}
	}
	return nil
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
	case rt.kind == atStatus:
		f.control = statusControl
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
	return f
}
