package xmpp

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestItemsAreListedPageByPage(t *testing.T) {
	f := &fakeServer{serve: func(_ int, c *fakeConn) {
		for {
			q, err := c.read()
			if err != nil {
				return
			}
			query := q.Child(discoItems, "query")
			first := 0
			if after := query.Child(rsmSpace, "set").Child(rsmSpace, "after").text(); after != "" {
				_, _ = fmt.Sscanf(after, "i%d", &first)
				first++
			}
			var b strings.Builder
			for i := first; i < min(first+400, 1000); i++ {
				fmt.Fprintf(&b, "<item jid='pubsub.example.org' name='i%d'/>", i)
			}
			fmt.Fprintf(&b, "<item jid='pubsub.example.org' node='below' name='x'/><set xmlns='%s'><first>i%d</first><last>i%d</last><count>1000</count></set>", rsmSpace, first, min(first+400, 1000)-1)
			c.answer(q, "<query xmlns='"+discoItems+"'>"+b.String()+"</query>")
		}
	}}
	withFake(t, f, func(t *testing.T, ctx context.Context, c *Component, _ *logged) {
		online(t, c, 0)
		ids, err := c.ItemIDs(ctx, "n")
		if err != nil || len(ids) != 1000 || ids[0] != "i0" || ids[999] != "i999" {
			t.Errorf("%d items, %v", len(ids), err)
		}
	})
}

func TestNodeIsSetUpWhereTheServiceKnowsLess(t *testing.T) {
	var set []string
	f := &fakeServer{serve: func(_ int, c *fakeConn) {
		for {
			q, err := c.read()
			if err != nil {
				return
			}
			configure := q.Child(ownerSpace, "pubsub").Child(ownerSpace, "configure")
			form := configure.Child("jabber:x:data", "x")
			switch {
			case q.Child(pubsubSpace, "pubsub").Child(pubsubSpace, "configure") != nil:
				c.refuse(q, "modify", "not-acceptable", "")
			case form == nil && configure != nil:
				c.answer(q, "<pubsub xmlns='"+ownerSpace+"'><configure node='n'><x xmlns='jabber:x:data' type='form'>"+
					"<field var='pubsub#max_items'><value>10</value></field><field var='pubsub#persist_items' type='boolean'><value>1</value></field>"+
					"<field var='pubsub#access_model' type='list-single'><option><value>whitelist</value></option><value>whitelist</value></field></x></configure></pubsub>")
			case form != nil:
				fields := form.Children[1:]
				name, value := fields[0].Attr("var"), fields[0].find("value").text()
				if len(fields) > 1 || value == "max" || name == "pubsub#type" {
					c.refuse(q, "modify", "not-acceptable", "")
					continue
				}
				set = append(set, name+"="+value)
				c.answer(q, "")
			default:
				c.answer(q, "")
			}
		}
	}}
	withFake(t, f, func(t *testing.T, ctx context.Context, c *Component, log *logged) {
		online(t, c, 0)
		if err := c.EnsureNode(ctx, Node{Name: "n", Title: "N", Keep: 50}); err != nil {
			t.Fatal(err)
		}
		const want = "pubsub#title=N pubsub#publish_model=publishers pubsub#max_items=50 pubsub#notify_retract=true pubsub#deliver_payloads=true pubsub#send_last_published_item=never"
		if got := strings.Join(set, " "); got != want || log.String() != "" {
			t.Errorf("set was %s\nwant    %s\nsaid was %s", got, want, log)
		}
	})
}
