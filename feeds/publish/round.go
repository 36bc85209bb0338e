package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

// settling is how long the store has to note what was sent when we are asked to stop.
const settling = 10 * time.Second

// news is all that is owed of one entry.
type news struct {
	item   Item
	ids    []int64
	told   bool
	events []string
	tries  int
}

// round looks once at what is owed to the listener and sends it, if the oldest of it has
// waited for gather. again says that there may be more; pause is how long the listener is to be left alone.
func (w *worker) round(ctx context.Context, gather time.Duration) (r Round, again bool, pause time.Duration) {
	r.To = w.l.Name()
	defer func() {
		if r.Err != nil && ctx.Err() != nil {
			r.Err = nil // we were asked to stop
		}
		if r.Taken+r.Skipped+r.Failed+r.GaveUp > 0 || r.Err != nil {
			w.o.Done(r)
		}
	}()
	owed := w.due(ctx, gather, &r)
	// A turn is written down, which every second would be too much for nothing.
	if len(owed) > 0 && w.o.Turn != nil {
		if !w.turn(ctx, &r) {
			return r, false, 0
		}
		owed = w.due(ctx, gather, &r) // who had the turn may have told it
	}
	if len(owed) == 0 {
		return r, false, 0
	}
	list, skip, err := w.load(ctx, fold(owed))
	if err == nil {
		err = w.settle(ctx, skip, Settlement{})
		r.Skipped = count(skip)
	}
	if err != nil {
		r.Skipped, r.Err = 0, err
		return r, false, 0
	}
	pause = w.send(ctx, list, &r)
	return r, (r.Err == nil || refused(r.Err) && pause == 0) && len(owed) == w.l.Batch, pause
}

// due is what the listener is to be told now; nothing while more of it may come.
func (w *worker) due(ctx context.Context, gather time.Duration, r *Round) []Delivery {
	now := w.o.Now()
	owed, err := w.o.Outbox.Owed(ctx, r.To, now, w.l.Batch)
	if err != nil {
		r.Err = fmt.Errorf("ask what is owed to %s: %w", r.To, err)
		return nil
	}
	if len(owed) < w.l.Batch && gathering(owed, gather, now) {
		return nil
	}
	return owed
}

// turn says that the listener is ours for as long as one Send takes.
func (w *worker) turn(ctx context.Context, r *Round) bool {
	if w.o.Turn == nil {
		return true
	}
	ok, err := w.o.Turn(ctx, r.To, w.o.Now().Add(w.l.Timeout+2*settling))
	if err != nil {
		r.Err = fmt.Errorf("take the turn of telling %s: %w", r.To, err)
	}
	w.ours = ok && err == nil
	return w.ours
}

// giveBack ends our turn, so that whoever comes next need not wait until it is over.
func (w *worker) giveBack(ctx context.Context) {
	if !w.ours {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	_, _ = w.o.Turn(ctx, w.l.Name(), w.o.Now()) // else it is over soon enough
	w.ours = false
}

// gathering says that more news may come that can go with these. It keeps nothing: the
// oldest of them, which the store has, says until when. Nobody waits for a clock that was
// put back.
func gathering(owed []Delivery, gather time.Duration, now time.Time) bool {
	for _, d := range owed {
		if age := now.Sub(d.At); d.Tries > 0 || age < 0 || age >= gather {
			return false
		}
	}
	return true
}

// fold makes one piece of news of all that happened to an entry, in the place of the
// last of it.
func fold(owed []Delivery) []news {
	var list []news
	at := map[string]int{}
	for _, d := range owed {
		i, ok := at[d.Entry]
		if !ok {
			i = len(list)
			at[d.Entry], list = i, append(list, news{})
		}
		n := &list[i]
		since := n.item.Since
		if !ok || d.At.Before(since) {
			since = d.At
		}
		n.item = Item{ID: d.ID, Key: d.Entry, GUID: d.GUID, At: d.At, Since: since}
		n.ids, n.events = append(n.ids, d.ID), append(n.events, d.Event)
		n.told, n.tries = d.Told, max(n.tries, d.Tries)
	}
	slices.SortStableFunc(list, func(a, b news) int { return cmp.Compare(a.item.ID, b.item.ID) })
	return list
}

// load gives the news their entries as they are now, and takes apart those the listener
// does not want.
func (w *worker) load(ctx context.Context, all []news) (list, skip []news, err error) {
	for _, n := range all {
		e, err := w.o.Entry(ctx, n.item.Key)
		if err != nil {
			return nil, nil, fmt.Errorf("load the entry %s: %w", n.item.Key, err)
		}
		if n.decide(e, w.l.Categories) {
			list = append(list, n)
		} else {
			skip = append(skip, n)
		}
	}
	return list, skip, nil
}

// decide says whether the listener is told, and makes the event what the entry's state
// and the listener's knowledge make it: what happened in between is nobody's concern.
func (n *news) decide(e *feeds.Entry, categories []string) bool {
	wanted := e != nil && (len(categories) == 0 || slices.ContainsFunc(e.Categories, func(c feeds.CategoryName) bool {
		return slices.Contains(categories, c.Slug)
	}))
	if wanted {
		n.item.Entry, n.item.GUID, n.item.Event = e, e.GUID, Revised
		if !n.told && slices.Contains(n.events, New) {
			n.item.Event = New
		}
		return true
	}
	n.item.Event = Withdrawn
	if n.told || e == nil && len(categories) == 0 {
		return true
	}
	// What is owed besides may have been sent before a crash that forgot it.
	return e == nil && slices.ContainsFunc(n.events, func(event string) bool { return event != Withdrawn })
}

// send hands the list on and settles what becomes of it.
func (w *worker) send(ctx context.Context, list []news, r *Round) (pause time.Duration) {
	for len(list) > 0 && ctx.Err() == nil {
		if !w.turn(ctx, r) {
			return 0
		}
		taken, late, err := w.try(ctx, list)
		if e := w.done(ctx, list[:taken]); e != nil {
			r.Err = e
			return 0
		}
		r.Taken += count(list[:taken])
		if list = list[taken:]; err == nil || ctx.Err() != nil || late && taken > 0 {
			continue // what was cut off by the end, or did not fit into the time, is no failure
		}
		failed := list
		if refused(err) {
			failed = list[:1]
		}
		retry, e := w.failed(ctx, failed, err, r)
		if r.Err = err; e != nil {
			r.Err = e
			return 0
		}
		if list = list[len(failed):]; !refused(err) {
			return retry.Sub(w.o.Now())
		}
	}
	return 0
}

// refused says that a listener is well, and does not want one item.
func refused(err error) bool {
	var refusal interface{ Refused() bool }
	return errors.As(err, &refusal) && refusal.Refused()
}

// try sends the list; whatever happens in there is the listener's failure alone. late says
// that the time was up.
func (w *worker) try(ctx context.Context, list []news) (taken int, late bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.l.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			taken, late, err = 0, false, fmt.Errorf("a fault in Orrery, please report it: %v", p)
		}
	}()
	items := make([]Item, len(list))
	for i := range list {
		items[i] = list[i].item
	}
	taken, err = w.l.Send(ctx, items)
	taken = min(max(taken, 0), len(list))
	switch {
	case taken == len(list):
		err = nil
	case err == nil:
		err = errors.New("not everything was taken, and nobody says why")
	}
	return taken, ctx.Err() != nil, err
}

// done settles what was taken, apart for those whose end was told.
func (w *worker) done(ctx context.Context, list []news) error {
	var there, gone []news
	for _, n := range list {
		if n.item.Event == Withdrawn {
			gone = append(gone, n)
		} else {
			there = append(there, n)
		}
	}
	if err := w.settle(ctx, there, Settlement{Has: true}); err != nil {
		return err
	}
	return w.settle(ctx, gone, Settlement{})
}

// failed settles what was not taken, and gives up what has been tried for long enough.
// retry is when the rest is tried again.
func (w *worker) failed(ctx context.Context, list []news, failure error, r *Round) (retry time.Time, err error) {
	now, tries := w.o.Now(), list[0].tries
	var wait, dead []news
	for _, n := range list {
		if tries = max(tries, n.tries); w.l.GiveUp > 0 && n.tries+1 >= leastTries && now.Sub(n.item.At) > w.l.GiveUp {
			dead = append(dead, n)
		} else {
			wait = append(wait, n)
		}
	}
	retry = retryAt(now, tries, failure)
	if err := w.settle(ctx, wait, Settlement{Failure: failure, Retry: retry}); err != nil {
		return retry, err
	}
	if err := w.settle(ctx, dead, Settlement{Failure: failure}); err != nil {
		return retry, err
	}
	r.Failed += count(wait)
	r.GaveUp += count(dead)
	return retry, nil
}

// settle notes what became of the news. What was sent is noted even when we are asked to
// stop: it would be sent again otherwise.
func (w *worker) settle(ctx context.Context, list []news, s Settlement) error {
	if len(list) == 0 {
		return nil
	}
	var ids []int64
	for _, n := range list {
		ids = append(ids, n.ids...)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	if err := w.o.Outbox.Settle(ctx, w.l.Name(), ids, s); err != nil {
		return fmt.Errorf("settle what was sent to %s: %w", w.l.Name(), err)
	}
	return nil
}

func count(list []news) (n int) {
	for _, x := range list {
		n += len(x.ids)
	}
	return n
}
