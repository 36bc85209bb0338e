package site

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// kept is a document with what is known about its freshness.
type kept struct {
	route route
	doc   *document
	seq   int64 // Version of the query it was made from
	view  view
	look  look      // of a page
	size  int64     // as it was counted last
	made  time.Time // before the store was asked; for what is kept by its age
	// epoch is the last one in which the document was found current; failed is the
	// tick, plus one, in which that could not be found out.
	epoch, failed atomic.Uint64
}

// cache keeps the documents that were asked for last, within a bound of bytes.
// Only documents that exist are kept, so made-up addresses cost no memory.
type cache struct {
	mu    sync.Mutex
	max   int64
	bytes int64
	order *list.List // of *kept, the last used in front
	by    map[route]*list.Element
	past  *past
}

// place is where a document is kept.
type place struct {
	cache *cache
	route route
}

// pastShare is the part of the bound that there is besides for what feeds said before.
const pastShare = 16

func newCache(max int64) *cache {
	return &cache{max: max, order: list.New(), by: map[route]*list.Element{}, past: newPast(max / pastShare)}
}

func (c *cache) get(rt route) *kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.by[rt]
	if el == nil {
		return nil
	}
	c.order.MoveToFront(el)
	return el.Value.(*kept)
}

// put keeps k in place of what was kept for its route. A document larger than
// the whole cache is not kept.
func (c *cache) put(k *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(k.route)
	if k.doc.place == nil { // else it is known already, and the same
		k.doc.place = &place{c, k.route}
	}
	if k.doc.shape.known() && k.route.archive == 0 { // what is closed has no versions
		c.past.remember(k.route, k.doc.base, k.doc.marks)
	}
	if k.size = k.doc.size(); k.size > c.max {
		return
	}
	c.by[k.route] = c.order.PushFront(k)
	c.bytes += k.size
	c.shrink()
}

// recount is called when a kept document has grown.
func (c *cache) recount(rt route, d *document) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.by[rt]
	if el == nil || el.Value.(*kept).doc != d {
		return
	}
	k := el.Value.(*kept)
	c.bytes -= k.size
	k.size = d.size()
	c.bytes += k.size
	c.shrink()
}

func (c *cache) shrink() {
	for c.bytes > c.max {
		c.remove(c.order.Back().Value.(*kept).route)
	}
}

func (c *cache) drop(rt route) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(rt)
}

func (c *cache) remove(rt route) {
	el := c.by[rt]
	if el == nil {
		return
	}
	c.bytes -= el.Value.(*kept).size
	c.order.Remove(el)
	delete(c.by, rt)
}
