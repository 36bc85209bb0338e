package xmpp

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// TestRealServers has a server of each kind for all of it: to start one takes longer
// than most of what it is asked.
func TestRealServers(t *testing.T) {
	items := 1000
	if testing.Short() {
		items = 200
	}
	onRealServers(t, items, func(t *testing.T, s *realServer) {
		for _, c := range []struct {
			name string
			test func(*testing.T, *realServer)
		}{
			{"subscribers hear of entries", subscribersHear},
			{"the configuration of a node is put right", configurationIsPutRight},
			{"refusals are explained", refusalsAreExplained},
			{"a second connection is refused by Prosody and shared by ejabberd", secondConnection},
			{"a thousand items are backfilled oldest first", backfill},
			{"an entry of any size is taken", anySize},
			{"hostile entries do not end the stream", hostileEntries},
			{"a restart of the server loses nothing", restart},
		} {
			t.Run(c.name, func(t *testing.T) { c.test(t, s) })
		}
	})
}

func subscribersHear(t *testing.T, s *realServer) {
	log := newLogged()
	c, _ := s.component(t, planetName, testSecret, log)
	online(t, c, 0)
	first := Node{Name: "planet/go", Title: "Go & <more>", Description: "About Go"}
	second := Node{Name: "planet-xmpp", Title: "XMPP"}
	p := NewPublisher(PublisherOptions{Planet: testPlanet, Component: c, Source: &shelf{nodes: []Node{first, second}}})
	ctx := timely(t)
	for _, n := range []Node{first, second, first} { // the third time it is there
		if err := c.EnsureNode(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	r := s.reader(t)
	r.subscribe(first.Name)
	e := testEntry(1)
	id := ItemID(e.GUID)
	deliver := func(d Delivery) {
		t.Helper()
		if err := p.Deliver(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	heard := func(want string) {
		t.Helper()
		items := r.notice()
		if items.Attr("node") != first.Name {
			t.Errorf("the notification is of node %q", items.Attr("node"))
		}
		got := items.find("title").text()
		if retract := items.find("retract"); retract != nil {
			got = "retract " + retract.Attr("id")
		} else if items.find("item").Attr("id") != id {
			t.Errorf("the item has the id %q", items.find("item").Attr("id"))
		}
		if got != want {
			t.Errorf("the reader heard %q, want %q", got, want)
		}
	}
	both := []string{first.Name, second.Name}
	deliver(Delivery{Event: EntryNew, Entry: &e, Nodes: both})
	heard("Post 1 & <more>")
	e.Title = "Revised"
	deliver(Delivery{Event: EntryRevised, Entry: &e, Nodes: both, Before: both})
	heard("Revised")
	if ids, err := c.ItemIDs(ctx, first.Name); err != nil || len(ids) != 1 || ids[0] != id {
		t.Errorf("after a revision the node has %v, %v", ids, err)
	}
	deliver(Delivery{Event: EntryRevised, Entry: &e, Nodes: both[1:], Before: both})
	heard("retract " + id)
	deliver(Delivery{Event: EntryNew, Entry: &e, Nodes: both})
	heard("Revised")
	gone := Delivery{Event: EntryWithdrawn, AtomID: testPlanet.EntryID(&e), Before: both}
	deliver(gone)
	heard("retract " + id)
	deliver(gone) // a crash told it twice
	for _, node := range both {
		if ids, err := c.ItemIDs(ctx, node); err != nil || len(ids) != 0 {
			t.Errorf("after all %s has %v, %v", node, ids, err)
		}
	}
	if log.String() != "" {
		t.Errorf("it was said: %s", log)
	}
	r.examine(first)
	measureNews(t, c, p, r, first.Name)
}

// examine looks at the node as a reader's program does (XEP-0060 §5.4).
func (r *reader) examine(n Node) {
	info, err := r.ask("get", pubsubName, "<query xmlns='"+discoInfo+"' node='"+n.Name+"'/>")
	if err != nil {
		r.t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range info.Child("jabber:x:data", "x").Children {
		got[f.Attr("var")] = f.find("value").text()
	}
	for name, want := range map[string]string{"pubsub#title": n.Title, "pubsub#description": n.Description, "pubsub#type": SocialFeed} {
		if got[name] != want {
			r.t.Errorf("%s of the node is %q, want %q: %v", name, got[name], want, got)
		}
	}
}

// measureNews tells how long it takes from a delivery to the reader.
func measureNews(t *testing.T, c *Component, p *Publisher, r *reader, node string) {
	const n = 200
	var took []time.Duration
	for i := range n {
		e := testEntry(100 + i)
		began := time.Now()
		if err := p.Deliver(timely(t), Delivery{Event: EntryNew, Entry: &e, Nodes: []string{node}}); err != nil {
			t.Fatal(err)
		}
		if title := r.notice().find("title").text(); title != e.Title {
			t.Fatalf("the reader heard of %q, want %q", title, e.Title)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("from Deliver to the subscriber: median %v, p99 %v, longest %v of %d", took[n/2], took[n*99/100], took[n-1], n)
}

func configurationIsPutRight(t *testing.T, s *realServer) {
	log := newLogged()
	c, _ := s.component(t, planetName, testSecret, log)
	online(t, c, 0)
	ctx := timely(t)
	if _, err := c.IQ(ctx, pubsubName, "set", []byte("<pubsub xmlns='"+pubsubSpace+"'><create node='old'/></pubsub>")); err != nil {
		t.Fatal(err)
	}
	n := Node{Name: "old", Title: "New Title"}
	if err := c.EnsureNode(ctx, n); err != nil {
		t.Fatal(err)
	}
	var q configureQuery
	q.Configure.Node = n.Name
	b, err := xml.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	form, err := c.IQ(ctx, pubsubName, "get", b)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range n.settings() {
		f := offered(form, want.name)
		if f == nil && want.values[0] != "" {
			t.Errorf("%s is not offered", want.name)
		} else if f != nil && !want.met(f, n.keep()) {
			t.Errorf("%s is not %q", want.name, want.values)
		}
	}
	if log.String() != "" {
		t.Errorf("it was said: %s", log)
	}
}

func backfill(t *testing.T, s *realServer) {
	log := newLogged()
	c, _ := s.component(t, planetName, testSecret, log)
	online(t, c, 0)
	n := Node{Name: "all", Title: "All", Keep: s.items}
	source := &shelf{nodes: []Node{n}}
	for i := range s.items + 200 {
		source.entries = append(source.entries, testEntry(i))
	}
	p := NewPublisher(PublisherOptions{Planet: testPlanet, Component: c, Source: source, Pace: -1})
	ctx := timely(t)
	began := time.Now()
	if err := p.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d items took %v", s.items, time.Since(began))
	items := func() map[string]bool {
		t.Helper()
		list, err := c.ItemIDs(ctx, n.Name)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for _, id := range list {
			ids[id] = true
		}
		return ids
	}
	there := items()
	for i, e := range source.entries {
		if there[ItemID(e.GUID)] != (i >= 200) {
			t.Fatalf("entry %d is there: %v; there are %d", i, there[ItemID(e.GUID)], len(there))
		}
	}
	// While we were away two were withdrawn, one came and one was put there by others.
	source.entries = slices.Delete(source.entries, 300, 302)
	source.entries = append(source.entries, testEntry(s.items+200))
	payload := []byte("<entry xmlns='http://www.w3.org/2005/Atom'><title>Another</title></entry>")
	if err := c.Publish(ctx, n.Name, "by-others", payload); err != nil {
		t.Fatal(err)
	}
	source.loaded = 0
	began = time.Now()
	if err := p.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("comparing took %v", time.Since(began))
	there = items()
	for i, e := range source.entries {
		if i > 202 && !there[ItemID(e.GUID)] {
			t.Errorf("%s is missing", e.GUID)
		}
	}
	for _, i := range []int{300, 301} {
		e := testEntry(i)
		if there[ItemID(e.GUID)] {
			t.Errorf("%s is still there", e.GUID)
		}
	}
	if !there["by-others"] {
		t.Error("what others have put there is gone")
	}
	if source.loaded > 5 {
		t.Errorf("%d entries were loaded to publish two or three", source.loaded)
	}
	if log.String() != "" {
		t.Logf("it was said: %s", log)
	}
}

func TestNodeThatHoldsLessIsNotFilledInCirclesOnRealServers(t *testing.T) {
	onRealServers(t, 20, func(t *testing.T, s *realServer) {
		log := newLogged()
		c, _ := s.component(t, planetName, testSecret, log)
		online(t, c, 0)
		n := Node{Name: "small", Title: "Small", Keep: 50}
		source := &shelf{nodes: []Node{n}}
		for i := range 60 {
			source.entries = append(source.entries, testEntry(i))
		}
		ctx := timely(t)
		for range 3 { // each as after a new start
			p := NewPublisher(PublisherOptions{Planet: testPlanet, Component: c, Source: source, Pace: -1})
			if err := p.Reconcile(ctx); err != nil {
				t.Fatal(err)
			}
			if err := p.Reconcile(ctx); err != nil {
				t.Fatal(err)
			}
			ids, err := c.ItemIDs(ctx, n.Name)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range source.entries[40:] {
				if !slices.Contains(ids, ItemID(e.GUID)) {
					t.Errorf("%s, one of the newest, is not there", e.GUID)
				}
			}
			if len(ids) != 20 {
				t.Errorf("%d items are there", len(ids))
			}
		}
		if source.loaded > 50+2*5 {
			t.Errorf("%d entries were loaded to publish 20", source.loaded)
		}
		t.Log(log)
	})
}

func restart(t *testing.T, s *realServer) {
	log := newLogged()
	c, _ := s.component(t, planetName, testSecret, log)
	number := online(t, c, 0)
	n := Node{Name: "restarted", Title: "All"}
	source := &shelf{nodes: []Node{n}, entries: []feeds.Entry{testEntry(1)}}
	p := NewPublisher(PublisherOptions{Planet: testPlanet, Component: c, Source: source, Pace: -1})
	if err := p.Reconcile(timely(t)); err != nil {
		t.Fatal(err)
	}
	s.stop()
	<-log.news
	e := testEntry(2)
	if err := p.Deliver(timely(t), Delivery{Event: EntryNew, Entry: &e, Nodes: []string{n.Name}}); !errors.Is(err, ErrOffline) || !Temporary(err) {
		t.Errorf("without a server Deliver says %v", err)
	}
	s.start(t)
	began := time.Now()
	online(t, c, number)
	t.Logf("connected again %v after the server was there", time.Since(began).Round(time.Millisecond))
	source.entries = append(source.entries, e)
	if err := p.Reconcile(timely(t)); err != nil {
		t.Fatal(err)
	}
	ids, err := c.ItemIDs(timely(t), n.Name)
	if err != nil || len(ids) != 2 {
		t.Errorf("after the restart the node has %v, %v", ids, err)
	}
}

func anySize(t *testing.T, s *realServer) {
	c, _ := s.component(t, planetName, testSecret, newLogged())
	number := online(t, c, 0)
	n := Node{Name: "big", Title: "Big"}
	p := NewPublisher(PublisherOptions{Planet: testPlanet, Component: c, Source: &shelf{nodes: []Node{n}}})
	r := s.reader(t)
	if err := c.EnsureNode(timely(t), n); err != nil {
		t.Fatal(err)
	}
	r.subscribe(n.Name)
	for _, size := range []int{40 << 10, 70 << 10, 250 << 10, 1 << 20} {
		e := testEntry(size)
		e.Content = "<p>" + strings.Repeat("a &lt; b. ", size/10) + "</p>"
		if err := p.Deliver(timely(t), Delivery{Event: EntryNew, Entry: &e, Nodes: []string{n.Name}}); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		items := r.notice()
		if whole := items.find("content") != nil; whole != (size < maxPayload) || items.find("summary") == nil {
			t.Errorf("%d bytes: the text is there: %v", size, whole)
		}
	}
	if err := c.Publish(timely(t), n.Name, ItemID("x"), []byte("<a>"+strings.Repeat("x", maxStanza)+"</a>")); err == nil || Temporary(err) {
		t.Errorf("a payload that is too long: %v", err)
	}
	if c.Connected() != number {
		t.Error("the connection broke")
	}
}

func hostileEntries(t *testing.T, s *realServer) {
	c, _ := s.component(t, planetName, testSecret, newLogged())
	number := online(t, c, 0)
	n := Node{Name: "hostile", Title: "<!-- ]]> \x01 &nbsp;", Description: "\xff\ufffe"}
	p := NewPublisher(PublisherOptions{Planet: testPlanet, Component: c, Source: &shelf{nodes: []Node{n}}})
	r := s.reader(t)
	if err := c.EnsureNode(timely(t), n); err != nil {
		t.Fatal(err)
	}
	r.subscribe(n.Name)
	for i, text := range hostileTexts {
		e := hostileEntry(text)
		e.GUID, e.ID = fmt.Sprintf("tag:h.example,2026:%d", i), fmt.Sprintf("h%d", i)
		if err := p.Deliver(timely(t), Delivery{Event: EntryNew, Entry: e, Nodes: []string{n.Name}}); err != nil {
			t.Errorf("%.40q: %v", text, err)
			continue
		}
		if got := r.notice().find("item").Attr("id"); got != ItemID(e.GUID) {
			t.Errorf("%.40q: the reader heard of %s", text, got)
		}
	}
	if c.Connected() != number {
		t.Error("the connection broke")
	}
}
