package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"orrery/aggregator"
	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// maxTries is how many addresses are tried for one feed (fetching.md 43).
const maxTries = 3

// finder finds the feed of a site. It asks one address after the other and as few
// as it can.
type finder struct {
	fetch map[string]fetch.Func
	pause time.Duration // between two requests (fetching.md 35)
	// known is the slug of the source that has the address already; "": none.
	known func(address string) string
	// wish is what the server of an address has asked for; "": nothing.
	wish func(*feeds.Source) string
	// choose says which feed of a page to take, and whether none but that will do.
	choose func(context.Context, []fetch.Candidate) (n int, only bool, err error)
	say    func(format string, args ...any)
	asked  bool
}

// found is a feed that was read.
type found struct {
	address string // to be configured
	fetch.Response
}

// find reads the feed at the first of the addresses that answers, or the one that
// its page names, or the one at an address where feeds often lie.
func (f *finder) find(ctx context.Context, addresses []string) (found, error) {
	var r fetch.Response
	var err error
	address := ""
	for _, address = range addresses {
		if err = f.unknown(address); err != nil {
			return found{}, err
		}
		// Where nobody speaks TLS the other scheme may be meant.
		if r, err = f.look(ctx, address); r.Status != 0 || errors.Is(err, fetch.ErrRefused) {
			break
		}
	}
	switch {
	case err == nil:
		return f.settle(ctx, address, r)
	case ctx.Err() != nil:
		return found{}, ctx.Err()
	case !isPage(err) || r.Body == nil:
		return found{}, fmt.Errorf("%s: %s", redacted(address), feeds.Explain(err))
	}
	if list := fetch.Candidates(r); len(list) > 0 {
		return f.named(ctx, address, list)
	}
	return f.guess(ctx, r.URL)
}

// isPage says that what was read is a document, but no feed.
func isPage(err error) bool { return errors.Is(err, feeds.ErrHTML) || errors.Is(err, feeds.ErrNotFeed) }

// named reads a feed that the page at address names.
func (f *finder) named(ctx context.Context, address string, list []fetch.Candidate) (found, error) {
	n, only, err := f.choose(ctx, list)
	if err != nil {
		return found{}, err
	}
	if !only {
		for i := range list {
			if slug := f.known(list[i].URL); slug != "" && !ofComments(&list[i]) {
				return found{}, fmt.Errorf("%s is the page of the source %s already: it names %s; --pick takes another feed of it",
					redacted(address), slug, redacted(list[i].URL))
			}
		}
	}
	tries := list[n : n+1]
	if !only {
		tries = slices.DeleteFunc(slices.Clone(list[n:]), func(c fetch.Candidate) bool { return ofComments(&c) })
	}
	var first error
	for _, c := range tries[:min(len(tries), maxTries)] {
		if err := f.unknown(c.URL); err != nil {
			return found{}, err
		}
		r, err := f.look(ctx, c.URL)
		if err == nil {
			return f.settle(ctx, c.URL, r)
		}
		if ctx.Err() != nil {
			return found{}, ctx.Err()
		}
		f.say("%s: %s", redacted(c.URL), feeds.Explain(err))
		first = cmp.Or(first, err)
	}
	return found{}, fmt.Errorf("%s names a feed, but none could be read: %s", redacted(address), feeds.Explain(first))
}

// ofComments says that a feed is one of comments, as Candidates sorts them.
func ofComments(c *fetch.Candidate) bool {
	words := strings.ToLower(c.Title + " " + c.URL)
	return strings.Contains(words, "comment") || strings.Contains(words, "kommentar")
}

// guess tries the addresses where feeds often lie below a page that names none.
func (f *finder) guess(ctx context.Context, page string) (found, error) {
	list := fetch.WellKnown(page)
	list = list[:min(len(list), maxTries)]
	for _, address := range list {
		r, err := f.look(ctx, address)
		if err == nil {
			if err := f.unknown(address); err != nil {
				return found{}, err
			}
			f.say("%s names no feed; this one was found by its usual name", redacted(page))
			return f.settle(ctx, address, r)
		}
		if ctx.Err() != nil {
			return found{}, ctx.Err()
		}
		if s := (*fetch.StatusError)(nil); r.Status == 0 || errors.As(err, &s) && (s.Status == 429 || s.Status == 503) {
			break // it has had enough of us
		}
	}
	return found{}, fmt.Errorf("%s names no feed, and there is none at %s; look for its address on the page and give that",
		redacted(page), strings.Join(list, ", "))
}

// settle decides under which address a feed that was read is configured.
func (f *finder) settle(ctx context.Context, address string, r fetch.Response) (found, error) {
	switch {
	case r.MovedTo != "" && r.MovedTo != address: // every hop said for good (fetching.md 23)
		f.say("%s has moved for good: its new address is taken", redacted(address))
		address = r.MovedTo
	case r.URL != "" && r.URL != withoutUser(address):
		f.say("%s answers from %s for now; the address stays as it was given", redacted(address), redacted(r.URL))
	}
	if err := f.unknown(address); err != nil {
		return found{}, err
	}
	if secure, ok := f.secure(ctx, address, r.Feed); ok {
		return secure, f.unknown(secure.address)
	}
	return found{address, r}, ctx.Err()
}

// secure is the same feed with TLS, where there is one (fetching.md 38).
func (f *finder) secure(ctx context.Context, address string, plain *feeds.Feed) (found, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Port() != "" && u.Port() != "80" {
		return found{}, false
	}
	u.Scheme, u.Host = "https", strings.TrimSuffix(u.Host, ":80")
	r, err := f.look(ctx, u.String())
	if err != nil || !strings.HasPrefix(r.URL, "https://") || !sameFeed(plain, r.Feed) {
		return found{}, false
	}
	f.say("the same feed answers with TLS: %s is taken", redacted(u.String()))
	return found{cmp.Or(r.MovedTo, u.String()), r}, true
}

// sameFeed says that two documents are copies of one feed.
func sameFeed(a, b *feeds.Feed) bool {
	if len(a.Entries) == 0 || len(b.Entries) == 0 {
		return a.ID == b.ID && a.Title == b.Title
	}
	first := &a.Entries[0]
	return slices.ContainsFunc(b.Entries, func(e feeds.Entry) bool {
		return e.GUID == first.GUID || // or no GUID but the address, which has the scheme
			first.Permalink != "" && feeds.CanonicalURL(e.Permalink) == feeds.CanonicalURL(first.Permalink)
	})
}

// unknown is an error where a source has the address already.
func (f *finder) unknown(address string) error {
	if slug := f.known(address); slug != "" {
		return fmt.Errorf("%s is the source %s already", redacted(address), slug)
	}
	return nil
}

// look reads an address, after a pause if one was read before.
func (f *finder) look(ctx context.Context, address string) (fetch.Response, error) {
	if wish := f.wish(&feeds.Source{URL: address}); wish != "" {
		return fetch.Response{}, fmt.Errorf("not asked: %s", wish)
	}
	if f.asked {
		select {
		case <-time.After(f.pause):
		case <-ctx.Done():
			return fetch.Response{}, ctx.Err()
		}
	}
	f.asked = true
	return aggregator.Look(ctx, f.fetch, feeds.Source{Slug: "new", URL: address}, feeds.Validators{})
}

// redacted is an address without its password, for people.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	return u.Redacted()
}

func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u.String()
}
