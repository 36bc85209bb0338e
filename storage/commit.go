package storage

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

// spare is how many visits are prepared at once: all processors but the one that
// stores. Among many that compute the one writer, for which all of them wait, would have
// its turn once in a while.
func spare() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// commitQueue holds the visits that wait to be stored. One goroutine stores them while
// there are any, as many at a time as wait: one wait for the disk serves many, and who
// has prepared a visit has nothing to do with storing the next.
type commitQueue struct {
	mu      sync.Mutex
	waiting []*pending
	writing bool // somebody takes what waits
}

// pending is a visit in the queue.
type pending struct {
	ctx   context.Context
	visit *feeds.Visit
	list  []prepared // its entries
	done  chan struct{}
	tally feeds.Tally
	err   error
}

// newPending prepares a visit; a post that makes that panic is its source's failure.
func newPending(ctx context.Context, v *feeds.Visit) (p *pending, err error) {
	defer feeds.Contain(&err)
	p = &pending{ctx: ctx, visit: v, done: make(chan struct{})}
	if v.Feed == nil {
		return p, nil
	}
	p.list, err = prepareAll(&v.Due.Source, v.Feed)
	return p, err
}

// add puts a visit into the queue. If nobody is writing, the caller has to see to it.
func (q *commitQueue) add(p *pending) (idle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, p)
	idle, q.writing = !q.writing, true
	return idle
}

// take takes the next batch, in the order in which they came. If it is empty, the
// caller has ended writing.
func (q *commitQueue) take() []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, entries := 0, 0
	for n < len(q.waiting) && n < batchVisits && entries < batchEntries {
		entries += len(q.waiting[n].list)
		n++
	}
	batch := q.waiting[:n:n]
	q.waiting, q.writing = q.waiting[n:], n > 0
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
	db.preparing <- struct{}{}
	p, err := newPending(ctx, &v)
	<-db.preparing
	if err != nil {
		return feeds.Tally{}, fmt.Errorf("store the visit of %s: %w", v.Due.Source.Slug, err)
	}
	if db.commits.add(p) {
		go db.commitWaiting()
	}
	<-p.done
	if p.err != nil {
		return feeds.Tally{}, fmt.Errorf("store the visit of %s: %w", v.Due.Source.Slug, p.err)
	}
	return p.tally, nil
}

// commitWaiting stores what waits, until nothing does.
func (db *DB) commitWaiting() {
	for batch := db.commits.take(); len(batch) > 0; batch = db.commits.take() {
		db.commitBatch(context.Background(), batch)
	}
}

func (db *DB) commitBatch(ctx context.Context, batch []*pending) {
	var failed *pending
	commit := func() (err error) {
		failed, err = db.commitAll(ctx, batch)
		return err
	}
	err := anew(commit)
	for failed != nil {
		failed.end(err)
		batch = slices.DeleteFunc(batch, func(p *pending) bool { return p == failed })
		err = anew(commit)
	}
	for _, p := range batch {
		p.end(err)
	}
}

func (p *pending) end(err error) {
	if p.err == nil {
		p.err = err
	}
	close(p.done)
}

// commitAll stores the visits, or none of them; failed is the one whose fault that is.
func (db *DB) commitAll(ctx context.Context, batch []*pending) (failed *pending, err error) {
	err = db.txWithin(ctx, idleVisits, func(t *txn) error {
		for _, p := range batch {
			if p.err = p.ctx.Err(); p.err != nil {
				continue
			}
			p.tally, p.err = db.commitPending(t, p)
			if err := p.err; isStopped(err) { // all of it was ended, and may be made again
				p.err = nil
				return err
			}
			if p.err = explain(p.err); errors.Is(p.err, ErrUnreachable) {
				return p.err // which is nobody's fault
			}
			if p.err != nil && !errors.Is(p.err, feeds.ErrLeaseLost) { // which is seen before anything is written
				failed = p
				return p.err
			}
		}
		return nil
	})
	return failed, err
}

// commitPending makes a panic the failure of the one visit. The goroutine is nobody's:
// nothing above it would.
func (db *DB) commitPending(t *txn, p *pending) (tally feeds.Tally, err error) {
	defer feeds.Contain(&err)
	return db.commitVisit(t, p.visit, p.list)
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

// unsync has the next Sync look at everything.
func (w *writer) unsync() error {
	return w.exec(`DELETE FROM meta WHERE name = $1`, metaConfigured)
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
