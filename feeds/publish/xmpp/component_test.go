package xmpp

import (
	"context"
	"encoding/xml"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnswerCountsOnlyWithItsIDAndFromWhoWasAsked(t *testing.T) {
	f := &fakeServer{serve: func(_ int, c *fakeConn) {
		for {
			q, err := c.read()
			if err != nil {
				return
			}
			c.reply(q, "result", q.Attr("to"), "other", "<wrong/>")
			c.reply(q, "result", "evil.example.org", q.Attr("id"), "<wrong/>")
			c.reply(q, "error", "", q.Attr("id"), "")
			c.say("<message from='evil.example.org'><body>x</body></message><presence/> \n")
			c.answer(q, "<right xmlns='x'>y</right>")
			c.answer(q, "<wrong/>")
		}
	}}
	withFake(t, f, func(t *testing.T, ctx context.Context, c *Component, _ *logged) {
		online(t, c, 0)
		for range 3 {
			e, err := c.IQ(ctx, pubsubName, "get", []byte("<q xmlns='x'/>"))
			if err != nil || e.Name.Local != "right" || e.text() != "y" {
				t.Errorf("the answer is %+v, %v", e, err)
			}
		}
	})
}

func TestQuestionNobodyAnswersEndsInTime(t *testing.T) {
	f := &fakeServer{serve: func(_ int, c *fakeConn) {
		for {
			if _, err := c.read(); err != nil {
				return
			}
		}
	}}
	withFake(t, f, func(t *testing.T, ctx context.Context, c *Component, log *logged) {
		online(t, c, 0)
		began := time.Now()
		_, err := c.IQ(ctx, pubsubName, "get", []byte("<q xmlns='x'/>"))
		if err == nil || !strings.Contains(err.Error(), "did not answer") || !Temporary(err) || time.Since(began) != answerTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		<-log.news // half-open: the connection is given up
		if !strings.Contains(log.String(), errSilent.Error()) {
			t.Errorf("it was said: %s", log)
		}
		online(t, c, 1)
	})
}

func TestBrokenConnectionFailsWhatIsPendingAndIsMadeAgain(t *testing.T) {
	for name, c := range map[string]struct {
		say  string
		want string
	}{
		"hangs up":       {"", "EOF"},
		"ends":           {"</stream:stream>", errHungUp.Error()},
		"garbage":        {"<a><b></a>", "syntax error"},
		"not XML":        {"HTTP/1.1 400 Bad Request\r\n\r\n<p>&x;", "syntax error"},
		"a stream error": {"<stream:error><system-shutdown xmlns='" + streamErrors + "'/><text xmlns='" + streamErrors + "'>bye</text></stream:error>", "system-shutdown: bye"},
		"too much":       {"<iq><a>" + strings.Repeat("x", maxHeard+1<<20) + "</a></iq>", errLong.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeServer{serve: func(n int, conn *fakeConn) {
				if n > 1 {
					conn.untilEnd()
					return
				}
				if _, err := conn.read(); err == nil {
					conn.say(c.say)
				}
			}}
			withFake(t, f, func(t *testing.T, ctx context.Context, c2 *Component, log *logged) {
				n := online(t, c2, 0)
				_, err := c2.IQ(ctx, pubsubName, "get", []byte("<q xmlns='x'/>"))
				if !errors.Is(err, errLost) || !strings.Contains(err.Error(), c.want) || !Temporary(err) {
					t.Errorf("the question ends with %v, want %q", err, c.want)
				}
				<-log.news
				if !strings.Contains(log.String(), c.want) {
					t.Errorf("it was said: %s", log)
				}
				if _, err := c2.IQ(ctx, pubsubName, "get", []byte("<q xmlns='x'/>")); !errors.Is(err, ErrOffline) {
					t.Errorf("between the connections a question ends with %v", err)
				}
				online(t, c2, n)
				if _, err := c2.IQ(ctx, pubsubName, "get", []byte("<q xmlns='x'/>")); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestServerThatRefusesIsLeftAloneForMinutes(t *testing.T) {
	for _, condition := range []string{"not-authorized", "host-unknown", "conflict"} {
		f := &fakeServer{greet: func(_ int, c *fakeConn) {
			_, _ = c.read()
			c.say(strings.Replace(fakeHeader, "id='a&amp;b'", "id=''", 1) + "<stream:error><" + condition + " xmlns='" + streamErrors + "'/></stream:error></stream:stream>")
		}}
		withFake(t, f, func(t *testing.T, _ context.Context, _ *Component, log *logged) {
			<-log.news
			<-log.news
			if wait := f.dials[1].Sub(f.dials[0]); wait < 4*time.Minute || wait > maxWait {
				t.Errorf("after %s it is asked again in %v", condition, wait)
			}
			if !strings.Contains(log.String(), condition) || !strings.Contains(log.String(), "(Prosody)") {
				t.Errorf("after %s it was said: %s", condition, log)
			}
		})
	}
}

func TestServerThatIsAwayIsAskedLessAndLess(t *testing.T) {
	f := &fakeServer{greet: func(int, *fakeConn) {}}
	withFake(t, f, func(t *testing.T, _ context.Context, _ *Component, log *logged) {
		for range 12 {
			<-log.news
		}
		for i := range 11 {
			want := min(minWait<<i, maxWait)
			if got := f.dials[i+1].Sub(f.dials[i]); got > want || got < want*4/5 {
				t.Errorf("attempt %d comes after %v, want about %v", i+2, got, want)
			}
		}
	})
}

func TestServerThatNeverGreetsIsGivenUp(t *testing.T) {
	f := &fakeServer{greet: func(_ int, c *fakeConn) {
		for {
			if _, err := c.read(); err != nil {
				return
			}
		}
	}}
	withFake(t, f, func(t *testing.T, _ context.Context, _ *Component, log *logged) {
		began := time.Now()
		<-log.news
		if took := time.Since(began); took != handshakeTime {
			t.Errorf("it is given up after %v", took)
		}
	})
}

func TestServerThatReadsNothingIsGivenUp(t *testing.T) {
	f := &fakeServer{serve: func(n int, c *fakeConn) {
		if n > 1 {
			c.untilEnd()
		}
		<-c.t.Context().Done() // alive, but it neither reads nor says anything
	}}
	withFake(t, f, func(t *testing.T, ctx context.Context, c *Component, _ *logged) {
		online(t, c, 0)
		began := time.Now()
		_, err := c.IQ(ctx, pubsubName, "get", []byte("<q xmlns='x'/>"))
		if err == nil || !Temporary(err) || time.Since(began) > writeTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		online(t, c, 1)
	})
}

func TestIdleConnectionStaysAndIsKeptAlive(t *testing.T) {
	var spaces atomic.Int64
	f := &fakeServer{serve: func(_ int, c *fakeConn) {
		for {
			t, err := c.dec.Token()
			if err != nil {
				return
			}
			switch t := t.(type) {
			case xml.CharData:
				spaces.Add(int64(len(t)))
			case xml.StartElement:
				q, err := readElement(c.dec, t.Copy())
				if err != nil {
					return
				}
				c.refuse(q, "cancel", "service-unavailable", "") // an answer all the same
			}
		}
	}}
	withFake(t, f, func(t *testing.T, ctx context.Context, c *Component, log *logged) {
		online(t, c, 0)
		if err := pause(ctx, time.Hour); err != nil {
			t.Fatal(err)
		}
		if c.Connected() != 1 || spaces.Load() < 20 || log.String() != "" {
			t.Errorf("after an hour: connection %d, %d spaces, %s", c.Connected(), spaces.Load(), log)
		}
	})
}

func TestQuestionsOfStrangersAreAnswered(t *testing.T) {
	got := make(chan string, 100)
	ask := func(typ, to, payload string) string {
		return "<iq type='" + typ + "' from='a@b/c&amp;&apos;' to='" + to + "' id='&lt;1&gt;'>" + payload + "</iq>"
	}
	questions := []struct{ ask, want string }{
		{ask("get", planetName, "<query xmlns='"+discoInfo+"'/>"), "result query identity feature feature feature"},
		{ask("get", planetName, "<query xmlns='"+discoItems+"'/>"), "result query"},
		{ask("get", planetName, "<ping xmlns='urn:xmpp:ping'/>"), "result"},
		{ask("get", planetName, "<query xmlns='"+discoInfo+"' node='x'/>"), "error error service-unavailable"},
		{ask("set", planetName, "<query xmlns='"+discoInfo+"'/>"), "error error service-unavailable"},
		{ask("get", planetName, "<query xmlns='jabber:iq:version'/>"), "error error service-unavailable"},
		{ask("get", planetName, ""), "error error service-unavailable"},
		{ask("set", "x@"+planetName+"/y", "<a xmlns='b'>"+strings.Repeat("<c>", 5000)+strings.Repeat("</c>", 5000)+"</a>"), "error error service-unavailable"},
		{"<iq type='get' id='x' to='planet.example.org'><a xmlns='b'/></iq>", ""}, // from nobody
		{ask("bogus", planetName, "<a xmlns='b'/>"), ""},
		{ask("result", planetName, "<a xmlns='b'/>"), ""},
		{"<iq type='get' from='a@b' id='" + strings.Repeat("x", maxStanza) + "' to='planet.example.org'><a xmlns='b'/></iq>", ""},
		{ask("get", planetName, "<ping xmlns='urn:xmpp:ping'/>"), "result"},
	}
	f := &fakeServer{serve: func(_ int, c *fakeConn) {
		go func() {
			for _, q := range questions {
				c.say(q.ask)
			}
		}()
		for {
			e, err := c.read()
			if err != nil {
				return
			}
			if e.Attr("to") != "a@b/c&'" || e.Attr("id") != "<1>" || !strings.HasSuffix(bare(e.Attr("from")), planetName) {
				c.t.Errorf("an answer is %+v", e)
			}
			var names []string
			var walk func(*Element)
			walk = func(e *Element) {
				for _, child := range e.Children {
					names = append(names, child.Name.Local)
					walk(child)
				}
			}
			walk(e)
			got <- strings.TrimSpace(e.Attr("type") + " " + strings.Join(names, " "))
		}
	}}
	withFake(t, f, func(t *testing.T, _ context.Context, _ *Component, _ *logged) {
		for _, q := range questions {
			if q.want == "" {
				continue
			}
			if answer := <-got; answer != q.want {
				t.Errorf("%.100s is answered with %q, want %q", q.ask, answer, q.want)
			}
		}
	})
}

func TestItemThatEndsTheStreamIsGivenUpAndOthersAreNot(t *testing.T) {
	f := &fakeServer{serve: func(_ int, c *fakeConn) {
		for {
			q, err := c.read()
			if err != nil {
				return
			}
			switch id := q.Child(pubsubSpace, "pubsub").Child(pubsubSpace, "publish").Child(pubsubSpace, "item").Attr("id"); id {
			case "poison":
				c.say("<stream:error><not-well-formed xmlns='" + streamErrors + "'/></stream:error></stream:stream>")
				return
			case "unlucky":
				c.say("<stream:error><system-shutdown xmlns='" + streamErrors + "'/></stream:error></stream:stream>")
				return
			case "long":
				c.refuse(q, "modify", "not-acceptable", "payload-too-big")
			case "busy":
				c.refuse(q, "wait", "resource-constraint", "")
			case "broken":
				c.refuse(q, "wait", "internal-server-error", "")
			case "lost":
				c.refuse(q, "cancel", "item-not-found", "")
			case "forbidden":
				c.refuse(q, "auth", "forbidden", "")
			case "bad":
				c.refuse(q, "modify", "bad-request", "invalid-payload")
			default:
				c.answer(q, "")
			}
		}
	}}
	withFake(t, f, func(t *testing.T, ctx context.Context, c *Component, _ *logged) {
		publish := func(id, payload string) error {
			online(t, c, 0)
			return c.Publish(ctx, "n", id, []byte(payload))
		}
		for id, temporary := range map[string]bool{"poison": false, "unlucky": true, "long": false, "busy": true, "broken": true, "lost": true, "forbidden": true, "bad": false} {
			err := publish(id, "<a xmlns='b'/>")
			if err == nil || Temporary(err) != temporary {
				t.Errorf("%s: %v is temporary: %v", id, err, Temporary(err))
			}
			var item *ItemError
			if errors.As(err, &item) == temporary {
				t.Errorf("%s: %v is about the item", id, err)
			}
			online(t, c, 0)
			synctest.Wait()
		}
		if err := publish("good", "<a xmlns='b'/>"); err != nil {
			t.Error(err)
		}
		before := len(f.dials)
		for _, payload := range []string{"", "<a/><b/>", "<a>", "<a><!-- --></a>", "<a>&nbsp;</a>", "<a>\x00</a>", "<a b='1' b='2'/>", "<x:a/>", "<?x?><a/>", "<a>" + strings.Repeat("x", maxStanza) + "</a>"} {
			if err := publish("good", payload); err == nil || Temporary(err) {
				t.Errorf("%.20q: %v", payload, err)
			}
		}
		if len(f.dials) != before {
			t.Error("a payload that must not be sent broke the connection")
		}
	})
}

func TestMistakesInTheConfigurationAreNamed(t *testing.T) {
	good := Options{Name: planetName, Secret: "x", Server: "127.0.0.1:5347", PubSub: pubsubName, Dial: (&fakeServer{}).dial}
	for want, spoil := range map[string]func(*Options){
		"xmpp.component":                    func(o *Options) { o.Name = "Planet@example.org" },
		`xmpp.component "" `:                func(o *Options) { o.Name = "" },
		"xmpp.pubsub":                       func(o *Options) { o.PubSub = "a b" },
		"xmpp.component and xmpp.pubsub":    func(o *Options) { o.PubSub = o.Name },
		"xmpp.secret":                       func(o *Options) { o.Secret = "" },
		`xmpp.server "localhost" is not an`: func(o *Options) { o.Server = "localhost" },
		"Options.Dial":                      func(o *Options) { o.Dial = nil },
	} {
		o := good
		spoil(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	good.Name = "bücher.example"
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}
