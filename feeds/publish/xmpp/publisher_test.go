package xmpp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orrery/feeds"
)

// fakeNodes is a PubSub service that holds a few items a node, the oldest first.
type fakeNodes struct {
	mu    sync.Mutex
	room  int
	items map[string][]string
	did   []string // p and r, with the id of the item
	fail  func(id string) string
}

func (f *fakeNodes) serve(_ int, c *fakeConn) {
	for {
		q, err := c.read()
		if err != nil {
			return
		}
		f.answer(c, q)
	}
}

func (f *fakeNodes) answer(c *fakeConn, q *Element) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pubsub := q.Child(pubsubSpace, "pubsub")
	switch {
	case pubsub.Child(pubsubSpace, "publish") != nil:
		publish := pubsub.Child(pubsubSpace, "publish")
		node, id := publish.Attr("node"), publish.Child(pubsubSpace, "item").Attr("id")
		if f.fail != nil && f.fail(id) != "" {
			c.refuse(q, "modify", f.fail(id), "")
			return
		}
		f.did = append(f.did, "p "+id)
		list := slices.DeleteFunc(f.items[node], func(s string) bool { return s == id })
		list = append(list, id)
		f.items[node] = list[max(0, len(list)-f.room):]
	case pubsub.Child(pubsubSpace, "retract") != nil:
		retract := pubsub.Child(pubsubSpace, "retract")
		node, id := retract.Attr("node"), retract.Child(pubsubSpace, "item").Attr("id")
		f.did = append(f.did, "r "+id)
		if !slices.Contains(f.items[node], id) {
			c.refuse(q, "cancel", "item-not-found", "")
			return
		}
		f.items[node] = slices.DeleteFunc(f.items[node], func(s string) bool { return s == id })
	case q.Child(discoItems, "query") != nil:
		var b strings.Builder
		for _, id := range f.items[q.Child(discoItems, "query").Attr("node")] {
			fmt.Fprintf(&b, "<item jid='pubsub.example.org' name='%s'/>", id)
		}
		c.answer(q, "<query xmlns='"+discoItems+"'>"+b.String()+"</query>")
		return
	}
	c.answer(q, "")
}

// on is what is on a node, and done what was done since it was asked last.
func (f *fakeNodes) on(node string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.items[node])
}

func (f *fakeNodes) put(node string, ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items[node] = slices.Clone(ids)
}

func (f *fakeNodes) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	did := f.did
	f.did = nil
	return did
}

func withPublisher(t *testing.T, f *fakeNodes, s *shelf, test func(t *testing.T, ctx context.Context, p *Publisher, log *logged)) {
	t.Helper()
	f.items = map[string][]string{}
	withFake(t, &fakeServer{serve: f.serve}, func(t *testing.T, ctx context.Context, c *Component, log *logged) {
		online(t, c, 0)
		test(t, ctx, NewPublisher(PublisherOptions{Planet: testPlanet, Component: c, Source: s}), log)
	})
}

func numbered(from, to int) []feeds.Entry {
	var list []feeds.Entry
	for i := from; i < to; i++ {
		list = append(list, testEntry(i))
	}
	return list
}

func itemIDs(entries []feeds.Entry) []string {
	var ids []string
	for i := range entries {
		ids = append(ids, ItemID(entries[i].GUID))
	}
	return ids
}

func TestNodeIsFilledOldestFirstAndSlowly(t *testing.T) {
	f := &fakeNodes{room: 1000}
	s := &shelf{nodes: []Node{{Name: "n", Keep: 30}}, entries: numbered(0, 50)}
	withPublisher(t, f, s, func(t *testing.T, ctx context.Context, p *Publisher, log *logged) {
		began := time.Now()
		if err := p.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("30 items took %v", took)
		}
		if want := itemIDs(s.entries[20:]); !slices.Equal(f.on("n"), want) {
			t.Errorf("the node has %v, want %v", f.on("n"), want)
		}
		f.done()
		err := p.Reconcile(ctx)
		if did := f.done(); err != nil || len(did) > 0 || log.String() != "" {
			t.Errorf("the second time it did %v, %v, %s", did, err, log)
		}
	})
}

func TestFillingEndsWhenItIsAskedTo(t *testing.T) {
	f := &fakeNodes{room: 1000}
	s := &shelf{nodes: []Node{{Name: "n"}}, entries: numbered(0, 50)}
	withPublisher(t, f, s, func(t *testing.T, ctx context.Context, p *Publisher, _ *logged) {
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := p.Reconcile(short); !errors.Is(err, context.DeadlineExceeded) || !Temporary(err) {
			t.Error(err)
		}
		if n := len(f.on("n")); n < 5 || n > 12 {
			t.Errorf("%d items were published in a second", n)
		}
		if err := p.Reconcile(ctx); err != nil || !slices.Equal(f.on("n"), itemIDs(s.entries)) {
			t.Errorf("after the next time the node has %d items, %v", len(f.on("n")), err)
		}
	})
}

func TestOnlyWhatBelongsThereNoLongerIsTakenOff(t *testing.T) {
	f := &fakeNodes{room: 1000}
	s := &shelf{nodes: []Node{{Name: "n", Keep: 10}}, entries: numbered(0, 40)}
	withPublisher(t, f, s, func(t *testing.T, ctx context.Context, p *Publisher, _ *logged) {
		gone, foreign := ItemID("gone"), "by-others"
		old := itemIDs(s.entries[5:10]) // too old to be published again, and no mistake
		f.put("n", slices.Concat(old, []string{gone, foreign}, itemIDs(s.entries[30:]))...)
		if err := p.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		if did, want := f.done(), []string{"r " + gone}; !slices.Equal(did, want) {
			t.Errorf("it did %v, want %v", did, want)
		}
	})
}

func TestNodeThatHoldsLessIsNotFilledInCircles(t *testing.T) {
	f := &fakeNodes{room: 10}
	s := &shelf{nodes: []Node{{Name: "n", Keep: 30}}, entries: numbered(0, 40)}
	withPublisher(t, f, s, func(t *testing.T, ctx context.Context, p *Publisher, log *logged) {
		newest := itemIDs(s.entries[30:])
		f.put("n", newest...)
		if err := p.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		slices.Sort(newest)
		did := f.done()
		if got := slices.Sorted(slices.Values(f.on("n"))); !slices.Equal(got, newest) || len(did) != 3 {
			t.Errorf("the node has %v, want %v, after %v", got, newest, did)
		}
		if !strings.Contains(log.String(), "holds 10 items of node n, and 30 are wanted") {
			t.Errorf("it was said: %s", log)
		}
		s.entries = append(s.entries, testEntry(40))
		err := p.Reconcile(ctx)
		if did := f.done(); err != nil || len(did) != 1 {
			t.Errorf("then it did %v, %v", did, err)
		}
	})
}

func TestItemThatCannotBePublishedDoesNotKeepOthersBack(t *testing.T) {
	s := &shelf{nodes: []Node{{Name: "n"}}, entries: numbered(0, 5)}
	bad := ItemID(s.entries[2].GUID)
	f := &fakeNodes{room: 1000, fail: func(id string) string {
		if id == bad {
			return "not-acceptable"
		}
		return ""
	}}
	withPublisher(t, f, s, func(t *testing.T, ctx context.Context, p *Publisher, _ *logged) {
		err := p.Reconcile(ctx)
		if err == nil || Temporary(err) || !strings.Contains(err.Error(), bad) || len(f.on("n")) != 4 {
			t.Errorf("%v, %d items", err, len(f.on("n")))
		}
	})
}

// racing withdraws the entry while it is looked up.
type racing struct {
	*shelf
	meanwhile func()
}

func (r racing) Entry(ctx context.Context, node string, p Post) (*feeds.Entry, error) {
	e, err := r.shelf.Entry(ctx, node, p)
	r.meanwhile()
	return e, err
}

func TestEntryThatIsWithdrawnWhileItIsPublishedIsTakenOff(t *testing.T) {
	f := &fakeNodes{room: 1000}
	s := &shelf{nodes: []Node{{Name: "n"}}, entries: numbered(0, 1)}
	withPublisher(t, f, s, func(t *testing.T, ctx context.Context, p *Publisher, _ *logged) {
		var withdrawing sync.WaitGroup
		p.o.Source = racing{s, func() {
			withdrawing.Go(func() {
				if err := p.Deliver(ctx, Delivery{Event: EntryWithdrawn, AtomID: s.entries[0].GUID, Before: []string{"n"}}); err != nil {
					t.Error(err)
				}
			})
		}}
		if err := p.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		withdrawing.Wait()
		if len(f.on("n")) != 0 {
			t.Errorf("the node has %v", f.on("n"))
		}
	})
}

func TestDeliveryLeavesWhatItWasGivenAsItIs(t *testing.T) {
	f := &fakeNodes{room: 1000}
	s := &shelf{nodes: []Node{{Name: "z"}, {Name: "a"}}}
	withPublisher(t, f, s, func(t *testing.T, ctx context.Context, p *Publisher, _ *logged) {
		e, before := testEntry(1), []string{"z", "a", "z"}
		for _, d := range []Delivery{
			{Event: EntryNew, Entry: &e, Nodes: before},
			{Event: EntryRevised, Entry: &e, Nodes: []string{"a"}, Before: before},
		} {
			if err := p.Deliver(ctx, d); err != nil {
				t.Error(err)
			}
		}
		if before[0] != "z" || len(f.on("z")) != 0 || len(f.on("a")) != 1 {
			t.Errorf("before is %v, the nodes have %v", before, []any{f.on("z"), f.on("a")})
		}
		err := p.Deliver(ctx, Delivery{Event: EntryNew, Entry: &e, Nodes: []string{"unknown"}})
		if err == nil || Temporary(err) {
			t.Errorf("a node that there should not be: %v", err)
		}
		if err := p.Deliver(ctx, Delivery{Event: EntryWithdrawn, Before: before}); err == nil || Temporary(err) {
			t.Errorf("nobody knows what is withdrawn: %v", err)
		}
	})
}

// failing is a Source whose database is away for the first few times.
type failing struct {
	*shelf
	left int
}

func (f *failing) Posts(ctx context.Context, node string) iter.Seq2[Post, error] {
	if f.left--; f.left >= 0 {
		return func(yield func(Post, error) bool) { yield(Post{}, errors.New("the database is away")) }
	}
	return f.shelf.Posts(ctx, node)
}

func TestRunReconcilesAfterEveryConnectionAndAfterErrors(t *testing.T) {
	f := &fakeNodes{room: 1000, items: map[string][]string{}}
	source := &failing{&shelf{nodes: []Node{{Name: "n"}}, entries: numbered(0, 3)}, 2}
	server := &fakeServer{serve: func(n int, c *fakeConn) {
		if n == 1 {
			time.AfterFunc(6*time.Minute, func() { _ = c.Close() })
		}
		f.serve(n, c)
	}}
	withFake(t, server, func(t *testing.T, ctx context.Context, c *Component, log *logged) {
		p := NewPublisher(PublisherOptions{Planet: testPlanet, Component: c, Source: source})
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() {
			if err := p.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		began := time.Now()
		wait := func() {
			if err := pause(ctx, 5*time.Minute); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		wait()
		if len(f.on("n")) != 3 || strings.Count(log.String(), "the database is away") != 2 {
			t.Errorf("%v after the start the node has %v, and was said: %s", time.Since(began), f.on("n"), log)
		}
		f.put("n") // somebody purges it while the server restarts
		wait()
		if len(f.on("n")) != 3 {
			t.Errorf("after the restart the node has %v", f.on("n"))
		}
		cancel()
		running.Wait()
	})
}
