package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"orrery/config"
	"orrery/feeds"
	"orrery/feeds/publish"
	"orrery/feeds/publish/hook"
	"orrery/feeds/publish/websub"
	"orrery/feeds/site"
)

// gatherPings is how long a hub waits for more news before it is told: one ping for a
// pass that brings fifty posts.
const gatherPings = 2 * time.Second

// Names of listeners that the configuration does not name.
const (
	hubListener  = "hub"
	xmppListener = "xmpp"
)

// listeners are those whom the configuration has told of what changes.
type listeners struct {
	list []publish.Listener
	loop *publish.Loop
	hub  *websub.Hub // nil: none of ours
	room *room       // nil: no XMPP
}

// listenerNames are what the store knows them by.
func (pl *planet) listenerNames() (names []string) {
	c := pl.config
	for i := range c.Publish {
		names = append(names, c.Publish[i].Name)
	}
	switch c.Planet.Hub {
	case "":
	case "self":
		names = append(names, hubListener)
	default:
		names = append(names, "websub "+c.Planet.Hub)
	}
	if c.XMPP.Component != "" {
		names = append(names, xmppListener)
	}
	return names
}

// hubs are the addresses that our feeds name.
func (pl *planet) hubs() []string {
	switch hub := pl.config.Planet.Hub; hub {
	case "":
		return nil
	case "self":
		return []string{pl.config.Planet.URL + hubFolder}
	default:
		return []string{hub}
	}
}

// listeners prepares all of them; st says what changes with an entry.
func (pl *planet) listeners(st *site.Site, warn func(format string, args ...any)) (*listeners, error) {
	l := &listeners{}
	c, agent := pl.config, pl.userAgent()
	log := func(err error) { warn("%v", err) }
	for i := range c.Publish {
		p := &c.Publish[i]
		to, err := pl.hook(i)
		if err != nil {
			return nil, err
		}
		l.list = append(l.list, publish.Listener{Publisher: to, Categories: p.Categories, Timeout: 2 * p.Timeout})
	}
	switch c.Planet.Hub {
	case "":
	case "self":
		l.hub = websub.NewHub(websub.HubOptions{
			URL: pl.hubs()[0], Store: pl.store.HubSubscriptions(), Topic: st.Topic, Topics: topics(st), Content: st.Content,
			Do: pl.http.Once, UserAgent: agent, Log: log,
		})
		l.list = append(l.list, publish.Listener{Publisher: l.hub, Gather: gatherPings / 4})
	default:
		to, err := websub.NewPinger(websub.PingerOptions{Hub: c.Planet.Hub, Topics: topics(st), Do: pl.http.Once, UserAgent: agent})
		if err != nil {
			return nil, err
		}
		l.list = append(l.list, publish.Listener{Publisher: to, Gather: gatherPings})
	}
	if c.XMPP.Component != "" {
		var err error
		if l.room, err = newRoom(pl, log); err != nil {
			return nil, err
		}
		l.list = append(l.list, publish.Listener{Publisher: l.room})
	}
	var err error
	l.loop, err = publish.NewLoop(publish.Options{
		Outbox: pl.store, Entry: pl.entry, Turn: l.turn(pl), Done: func(r publish.Round) {
			if r.Err != nil {
				warn("tell %s: %v", r.To, r.Err)
			}
		},
	}, l.list...)
	return l, err
}

// topics are the feeds that items change: those that show the entries, and whatever has
// changed since something happened that is no mere news. Where an entry stood before it
// does not say.
func topics(st *site.Site) func(ctx context.Context, items []feeds.Item) ([]string, error) {
	return func(ctx context.Context, items []feeds.Item) (list []string, err error) {
		var since time.Time
		for _, i := range items {
			list = append(list, st.Topics(i.Entry)...)
			if news := i.Event == publish.New && i.Since.Equal(i.At); !news && (since.IsZero() || i.Since.Before(since)) {
				since = i.Since
			}
		}
		if !since.IsZero() {
			changed, err := st.TopicsSince(ctx, since)
			if err != nil {
				return nil, err
			}
			list = append(list, changed...)
		}
		slices.Sort(list)
		return slices.Compact(list), nil
	}
}

// hook is the i-th listener of the configuration.
func (pl *planet) hook(i int) (publish.Publisher, error) {
	p := &pl.config.Publish[i]
	if p.Webhook != "" {
		return hook.NewWebhook(hook.WebhookOptions{Name: p.Name, URL: p.Webhook, Secret: p.Secret, Do: pl.http.Once, UserAgent: pl.userAgent(), Timeout: p.Timeout})
	}
	folder, err := filepath.Abs(filepath.Dir(pl.config.Path))
	if err != nil {
		return nil, err
	}
	args := slices.Clone(p.Command)
	if strings.Contains(args[0], "/") && !filepath.IsAbs(args[0]) { // of the configuration's folder, as all paths are
		args[0] = filepath.Join(folder, args[0])
	}
	return hook.NewCommand(hook.CommandOptions{Name: p.Name, Args: args, Dir: folder, Timeout: p.Timeout})
}

// checkListeners finds what keeps a listener from being told of anything.
func (pl *planet) checkListeners() error {
	var problems config.Errors
	wrong := func(err error) {
		if err != nil {
			problems = append(problems, config.Problem{File: pl.config.Path, Line: 1, Column: 1, Message: err.Error(), Hint: "docs/publish.md and docs/xmpp.md say how"})
		}
	}
	for i := range pl.config.Publish {
		_, err := pl.hook(i)
		wrong(err)
	}
	if pl.config.XMPP.Component != "" {
		_, err := newRoom(pl, nil)
		wrong(err)
	}
	if problems == nil {
		return nil
	}
	return problems
}

// entry is an entry as it is shown now, by the names of its authors that were chosen; nil
// if it is not.
func (pl *planet) entry(ctx context.Context, id string) (*feeds.Entry, error) {
	list, err := pl.store.Entries(ctx, feeds.Query{ID: id, Limit: 1})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	pl.rules.Authors.Entry(&list[0])
	return &list[0], nil
}

// turn says whose turn it is: who tells the XMPP network is who is connected to it.
func (l *listeners) turn(pl *planet) func(ctx context.Context, to string, until time.Time) (bool, error) {
	return func(ctx context.Context, to string, until time.Time) (bool, error) {
		if to == xmppListener && !l.room.connected() {
			return false, nil
		}
		return pl.store.Turn(ctx, to, until)
	}
}

// run tells until ctx ends.
func (l *listeners) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { l.loop.Run(ctx) })
	if l.hub != nil {
		wg.Go(func() { l.hub.Run(ctx) })
	}
	if l.room != nil {
		wg.Go(func() { l.room.run(ctx) })
	}
	wg.Wait()
}

// Where others call us, below the planet's address.
const (
	hubFolder  = "hub"
	pushFolder = "push/"
)

// calls answers hubs that call us and who subscribes at ours, and leaves everything else
// to the site.
func (pl *planet) calls(hub *websub.Hub, push *pusher, rest http.Handler) http.Handler {
	base := "/"
	if u, err := url.Parse(pl.config.Planet.URL); err == nil {
		base = u.Path
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, base)
		if !ok { // a proxy may have taken the base away
			path = strings.TrimPrefix(r.URL.Path, "/")
		}
		switch {
		case hub != nil && path == hubFolder:
			hub.ServeHTTP(w, r)
		case push != nil && strings.HasPrefix(path, pushFolder):
			push.ServeHTTP(w, r)
		default:
			rest.ServeHTTP(w, r)
		}
	})
}

// onceAll tells everybody what they are owed now, for a program that does not stay.
func (pl *planet) onceAll(ctx context.Context, warn func(format string, args ...any)) error {
	if len(pl.listenerNames()) == 0 {
		return errors.New("nobody is to be told of anything; publish:, planet.hub and xmpp: in the configuration say who")
	}
	st, err := pl.site(func(err error) { warn("%v", err) })
	if err != nil {
		return err
	}
	l, err := pl.listeners(st, warn)
	if err != nil {
		return err
	}
	tell := l.loop.Once
	if l.room != nil {
		tell = func(ctx context.Context) error { return l.room.once(ctx, l.loop.Once) }
	}
	err = tell(ctx)
	if l.room != nil && err != nil && !l.room.told.Load() { // the others are not to wait for it
		warn("%v", err)
		err = errors.Join(err, l.loop.Once(ctx))
	}
	if l.hub != nil {
		for n := 1; n > 0; {
			var trouble error
			if n, trouble = l.hub.Pass(ctx); trouble != nil {
				err = errors.Join(err, trouble)
				break
			}
		}
	}
	if err != nil { // each was warned of
		return errors.New("not everybody was told; orrery publish shows what is still owed")
	}
	return nil
}
