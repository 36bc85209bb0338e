package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"orrery/feeds"
)

// Bounds of what is committed together: enough to share the wait for the disk,
// not so much that anybody waits for long.
const (
	batchVisits  = 100
	batchEntries = 600
)

// commitQueue holds the visits that wait to be stored. Whoever comes first
// stores all that are waiting: one wait for the disk serves many.
type commitQueue struct {
	mu      sync.Mutex
	waiting []*pending
	writing chan struct{} // holds one token while a batch is being written
}

// pending is a visit in the queue; done and what follows it are written and read
// by the holder of the token.
type pending struct {
	ctx   context.Context
	visit *feeds.Visit
	list  []prepared // its entries
	done  bool
	tally feeds.Tally
	err   error
}

func newPending(ctx context.Context, v *feeds.Visit) (*pending, error) {
	p := &pending{ctx: ctx, visit: v}
	if v.Feed == nil {
		return p, nil
	}
	var err error
	p.list, err = prepareAll(&v.Due.Source, v.Feed)
	return p, err
}

func (q *commitQueue) add(p *pending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, p)
}

// take takes the next batch, in the order in which they came.
func (q *commitQueue) take() []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, entries := 0, 0
	for n < len(q.waiting) && n < batchVisits && entries < batchEntries {
		entries += len(q.waiting[n].list)
		n++
	}
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return batch
}

// Commit stores a visit whole: entries, revisions, categories, outbox, versions,
// validators, the next visit, the end of the lease. When the lease was lost
// meanwhile, nothing is stored and the error is feeds.ErrLeaseLost.
//
// Visits that wait at the same time share a transaction. One that fails, which is
// rare, undoes it, and the others are written again without that one: savepoints
// would copy every page that a visit touches. Once it is being written, the end of
// ctx does not stop it.
func (db *DB) Commit(ctx context.Context, v feeds.Visit) (feeds.Tally, error) {
	p, err := newPending(ctx, &v)
	if err != nil {
		return feeds.Tally{}, fmt.Errorf("store the visit of %s: %w", v.Due.Source.Slug, err)
	}
	db.commits.add(p)
	db.commits.writing <- struct{}{}
	defer func() { <-db.commits.writing }()
	for !p.done {
		db.commitBatch(context.WithoutCancel(ctx), db.commits.take())
	}
	if p.err != nil {
		return feeds.Tally{}, fmt.Errorf("store the visit of %s: %w", v.Due.Source.Slug, p.err)
	}
	return p.tally, nil
}

func (db *DB) commitBatch(ctx context.Context, batch []*pending) {
	err := errors.New("the commit was broken off") // unless it comes to its end
	defer func() {
		for _, p := range batch {
			p.end(err)
		}
	}()
	for {
		var failed *pending
		if failed, err = db.commitAll(ctx, batch); failed == nil {
			return
		}
		failed.end(err)
		batch = slices.DeleteFunc(batch, func(p *pending) bool { return p == failed })
	}
}

func (p *pending) end(err error) {
	p.done = true
	if p.err == nil {
		p.err = err
	}
}

// commitAll stores the visits, or none of them; failed is the one whose fault that is.
func (db *DB) commitAll(ctx context.Context, batch []*pending) (failed *pending, err error) {
	err = db.tx(ctx, func(t *txn) error {
		for _, p := range batch {
			if p.err = p.ctx.Err(); p.err != nil {
				continue
			}
			p.tally, p.err = db.commitVisit(t, p.visit, p.list)
			if p.err != nil && t.ctx.Err() != nil {
				return p.err // the database did not answer, which is nobody's fault
			}
			if p.err != nil && !errors.Is(p.err, feeds.ErrLeaseLost) { // which is seen before anything is written
				failed, p.err = p, explain(p.err)
				return p.err
			}
		}
		return nil
	})
	return failed, err
}

func (db *DB) commitVisit(t *txn, v *feeds.Visit, list []prepared) (feeds.Tally, error) {
	w := newWriter(t, v.At)
	w.source = &v.Due.Source
	w.quiet = v.Older || v.Due.Source.State.LastSuccess.IsZero()
	w.missing(v)
	if err := w.commitState(v); err != nil {
		return w.tally, err
	}
	if v.Feed != nil {
		w.reread = v.Due.Reread
		if err := w.commitFeed(v); err != nil {
			return w.tally, err
		}
		if err := db.commitEntries(w, list); err != nil {
			return w.tally, err
		}
		if err := w.noteFlood(); err != nil {
			return w.tally, err
		}
	}
	if err := w.withdraw(v.Withdrawn); err != nil {
		return w.tally, err
	}
	const day = 24 * time.Hour
	// Posts grow old also where none is new, but not more than once a day.
	if another := !v.At.Truncate(day).Equal(v.Due.Source.State.LastVisit.Truncate(day)); !v.Older && v.Err == nil && (v.Feed != nil || another) {
		if err := w.retain(); err != nil {
			return w.tally, err
		}
	}
	return w.tally, w.flush()
}

func (db *DB) commitEntries(w *writer, list []prepared) error {
	if len(list) == 0 {
		return nil
	}
	// Another process may have changed the rules since we read ours. Then what
	// these entries were put into is wrong, and the next Sync has to see to it.
	ours := ""
	if r := db.rules.Load(); r != nil {
		ours = appliedRules(*r, w.source)
	}
	n, err := w.affect(`UPDATE sources SET rules = '' WHERE id = $1 AND rules <> $2 AND rules <> $3`, w.source.ID, ours, pendingRules+ours)
	if err == nil && n > 0 {
		err = w.unsync()
	}
	if err != nil {
		return err
	}
	return w.commitEntries(list)
}

// missing notes how to tell which posts of the source are no longer there: those that
// a whole answer does not list, and those that the owner of a folder took out.
func (w *writer) missing(v *feeds.Visit) {
	switch {
	case v.Due.Source.Local():
		withdrawn := map[string]bool{}
		for _, g := range v.Withdrawn {
			withdrawn[string(hashOf(g))] = true
		}
		w.gone = func(guid []byte) bool { return withdrawn[string(guid)] }
	case v.Listed != nil && !w.quiet:
		w.listed = map[string]bool{}
		for _, g := range v.Listed {
			w.listed[string(hashOf(g))] = true
		}
		w.gone = func(guid []byte) bool { return !w.listed[string(guid)] }
	}
}
