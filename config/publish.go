package config

import (
	"cmp"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Publish is who is told of what changes: it has exactly one of Webhook and Command.
type Publish struct {
	// Name is what the listener is called, by `orrery publish` too; another name is
	// another listener. Default: the host of the webhook, or the name of the program.
	Name string `yaml:"name"`
	// Webhook is an http(s) address that every change is posted to as JSON
	// (docs/publish.md). In a private network it has to be in fetch.allow.
	Webhook string `yaml:"webhook"`
	// Secret signs what is posted, so that the receiver knows it is from us. Default: no
	// signature. Only with Webhook.
	Secret string `yaml:"secret"`
	// Command is a program and its arguments, run without a shell in the folder of the
	// configuration; it is fed the changes on its stdin, a line of JSON each. Exit code 0
	// says that it has taken them.
	Command []string `yaml:"command"`
	// Categories, by slug: only entries in one of them. Default: all.
	Categories []string `yaml:"categories"`
	// Timeout bounds one request or one run, 1s to 10m. Default 30s.
	Timeout time.Duration `yaml:"timeout"`
}

// XMPP is a component of an XMPP server (XEP-0114), and where it publishes.
type XMPP struct {
	// Component is our domain there, such as planet.example.org; required.
	Component string `yaml:"component"`
	// Secret is shared with the server; required.
	Secret string `yaml:"secret"`
	// Server is the host:port where the server takes components. It knows no encryption:
	// let it be this machine. Default 127.0.0.1:5347.
	Server string `yaml:"server"`
	// PubSub is the domain of the PubSub service; required.
	PubSub string `yaml:"pubsub"`
	// Nodes are what is published where. Default: everything on a node called planet, and
	// each category of the configuration on one called as its slug.
	Nodes []Node `yaml:"nodes"`
	// Keep is how many entries a node is filled with, 1 to 100000. Default 1000.
	Keep int `yaml:"keep"`
}

// Node is a node of the PubSub service.
type Node struct {
	// Name of the node, without spaces; required.
	Name string `yaml:"name"`
	// Category is a slug; only its entries are on the node. Default: all entries.
	Category string `yaml:"category"`
}

// publish judges the hub, the listeners and the component.
func (l *loader) publish(c *Config) {
	if l.given(&c.Planet.Hub) && c.Planet.Hub != "" && c.Planet.Hub != "self" {
		if u, err := url.Parse(c.Planet.Hub); l.web(&c.Planet.Hub, "planet.hub") && err == nil && u.User != nil {
			l.wrong(&c.Planet.Hub, "take it out: every feed names the hub", "planet.hub has a name or a password in it")
		}
	}
	names := map[string]bool{}
	for i := range c.Publish {
		if p := &c.Publish[i]; !l.at[p].bad {
			l.listener(p, names)
		}
	}
	if x := &c.XMPP; l.given(x) {
		l.xmpp(x, c.Categories)
	}
}

func (l *loader) listener(p *Publish, names map[string]bool) {
	at := l.at[p].value
	_, webhook := l.at[&p.Webhook]
	_, command := l.at[&p.Command]
	switch {
	case webhook == command:
		l.report(at, "add webhook: and an address, or command: and a program in brackets", "a listener wants either webhook or command")
		return
	case command && len(p.Command) == 0:
		l.report(at, "write the program and its arguments in brackets: [./tell, room]", "publish.command is empty")
		return
	case webhook && l.given(&p.Webhook) && !l.web(&p.Webhook, "publish.webhook"):
		return
	}
	if m, ok := l.at[&p.Secret]; ok && command {
		l.report(m.key, "a command is ours; take the line out", "publish.secret is for a webhook only")
	}
	if p.Name == "" {
		if u, err := url.Parse(p.Webhook); webhook && err == nil {
			p.Name = u.Hostname()
		} else if command {
			p.Name = filepath.Base(p.Command[0])
		}
	}
	if names[p.Name] || slices.Contains([]string{"hub", "xmpp"}, p.Name) {
		l.report(at, "add name: and another", "two listeners are called %q", shorten(p.Name))
	}
	names[p.Name] = true
	if _, ok := l.at[&p.Timeout]; !ok {
		p.Timeout = 30 * time.Second
	} else if p.Timeout < time.Second || p.Timeout > 10*time.Minute {
		l.wrong(&p.Timeout, "", "publish.timeout wants 1s to 10m, not %s", brief(p.Timeout))
	}
}

func (l *loader) xmpp(x *XMPP, categories []Category) {
	at := l.at[x].key
	l.required(&x.Component, at, "xmpp.component", "add component: and its domain, such as planet.example.org")
	l.required(&x.Secret, at, "xmpp.secret", "add secret: and what the server's configuration says; ${NAME} takes it from the environment")
	l.required(&x.PubSub, at, "xmpp.pubsub", "add pubsub: and the domain of the service, such as pubsub.example.org")
	x.Server = cmp.Or(x.Server, "127.0.0.1:5347")
	if _, ok := l.at[&x.Keep]; !ok {
		x.Keep = 1000
	} else {
		l.between(&x.Keep, "xmpp.keep", 1, 100_000)
	}
	if len(x.Nodes) == 0 {
		x.Nodes = []Node{{Name: "planet"}}
		for _, c := range categories {
			x.Nodes = append(x.Nodes, Node{Name: c.Slug, Category: c.Slug})
		}
		return
	}
	seen := map[string]bool{}
	for i := range x.Nodes {
		n := &x.Nodes[i]
		l.required(&n.Name, l.at[n].value, "xmpp.nodes.name", "add name: and what the node is called")
		switch {
		case !l.given(&n.Name) || n.Name == "":
		case strings.ContainsAny(n.Name, " \t\n") || len(n.Name) > 1000:
			l.wrong(&n.Name, "write hyphens", "xmpp.nodes.name holds a space, or is too long: %q", shorten(n.Name))
		case seen[n.Name]:
			l.wrong(&n.Name, "give each node another name", "two nodes are called %q", shorten(n.Name))
		}
		seen[n.Name] = true
	}
}
