package xmpp

import (
	"strings"
	"testing"
)

func refusalsAreExplained(t *testing.T, s *realServer) {
	t.Run("a wrong secret", func(t *testing.T) {
		log := newLogged()
		s.component(t, planetName, "wrong", log)
		<-log.news
		for _, want := range []string{s.addresses[planetName], "does not let planet.example.org in", "xmpp.secret", "component_secret", "ejabberd_service"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("it says %q, without %q", log, want)
			}
		}
		t.Log(log)
	})
	t.Run("a name that it does not know", func(t *testing.T) {
		log := newLogged()
		s.component(t, "stranger.example.org", testSecret, log)
		<-log.news
		if !strings.Contains(log.String(), "component_secret") || !strings.Contains(log.String(), "hosts: ") {
			t.Errorf("it says %q", log)
		}
		t.Log(log)
	})
	t.Run("a missing permission", func(t *testing.T) {
		c, _ := s.component(t, guestName, testSecret, newLogged())
		online(t, c, 0)
		err := c.EnsureNode(timely(t), Node{Name: "mine", Title: "Mine"})
		if err == nil || !strings.Contains(err.Error(), `admins = { "guest.example.org" }`) || !strings.Contains(err.Error(), "access_createnode") || !Temporary(err) {
			t.Errorf("it says %v", err)
		}
		t.Log(err)
	})
	t.Run("a service that is not there", func(t *testing.T) {
		c, _ := s.component(t, planetName, testSecret, newLogged())
		online(t, c, 0)
		c.o.PubSub = "localhost"
		err := c.EnsureNode(timely(t), Node{Name: "mine", Title: "Mine"})
		if err == nil || !strings.Contains(err.Error(), "correct xmpp.pubsub") {
			t.Errorf("it says %v", err)
		}
		t.Log(err)
	})
}

func secondConnection(t *testing.T, s *realServer) {
	c, stop := s.component(t, planetName, testSecret, newLogged())
	online(t, c, 0)
	log := newLogged()
	second, _ := s.component(t, planetName, testSecret, log)
	if s.kind == "prosody" {
		<-log.news
		if !strings.Contains(log.String(), "another program is connected") || !strings.Contains(log.String(), "kick_old") {
			t.Errorf("it says %q", log)
		}
		t.Log(log)
	} else {
		online(t, second, 0)
	}
	stop() // who stops hangs up at once, so that the next can come
	third, _ := s.component(t, planetName, testSecret, newLogged())
	online(t, third, 0)
}
