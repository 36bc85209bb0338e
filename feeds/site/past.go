package site

import (
	"container/list"
	"slices"
	"sync"
)

// past knows what the entries of feeds were in earlier versions: what a reader has
// that names one of their tags. It outlives the documents, not the process; a
// version that it has forgotten costs its readers one whole feed.
type past struct {
	mu    sync.Mutex
	max   int64
	bytes int64
	order *list.List // of *earlier, the last used in front
	by    map[route]*list.Element
}

// earlier are the versions of one feed, the last one at the end.
type earlier struct {
	route    route
	versions []version
	size     int64 // of memory, roughly
}

type version struct {
	base  string
	marks []uint64
}

// Bounds of what is known of one feed. A reader that comes once a day knows the 64th
// version of a feed that changes every twenty minutes.
const (
	maxVersions     = 64
	maxVersionBytes = 64 << 10
)

func newPast(max int64) *past {
	return &past{max: max, order: list.New(), by: map[route]*list.Element{}}
}

func (v *version) size() int64 { return int64(64 + len(v.base) + 8*len(v.marks)) }

// remember notes a version as the last one of its feed.
func (p *past) remember(rt route, base string, marks []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	el := p.by[rt]
	if el == nil {
		el = p.order.PushFront(&earlier{route: rt, size: int64(256 + len(rt.String()))})
		p.by[rt] = el
	} else {
		p.order.MoveToFront(el)
		p.bytes -= el.Value.(*earlier).size
	}
	e := el.Value.(*earlier)
	for i := range e.versions {
		if e.versions[i].base == base { // it says again what it said before
			e.forget(i)
			break
		}
	}
	v := version{base, marks}
	e.versions = append(e.versions, v)
	for e.size += v.size(); len(e.versions) > maxVersions || e.size > maxVersionBytes && len(e.versions) > 0; {
		e.forget(0)
	}
	p.bytes += e.size
	for p.bytes > p.max {
		last := p.order.Remove(p.order.Back()).(*earlier)
		delete(p.by, last.route)
		p.bytes -= last.size
	}
}

func (e *earlier) forget(i int) {
	e.size -= e.versions[i].size()
	e.versions = slices.Delete(e.versions, i, i+1)
}

// find is what the entries were in a version, if it is known.
func (p *past) find(rt route, base string) ([]uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	el := p.by[rt]
	if el == nil {
		return nil, false
	}
	for _, v := range el.Value.(*earlier).versions {
		if v.base == base {
			p.order.MoveToFront(el)
			return v.marks, true
		}
	}
	return nil, false
}
