//go:build !race

// The race detector finds nothing in a browser, and what it is shown is served under it elsewhere.

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/debugger"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a tab of the browser; it is closed when its test ends.
type tab struct {
	t   testing.TB
	ctx context.Context
	// document takes the place of what the planet would answer, where it is not empty.
	document string
	// missing is the address of a page that is not there, as is meant.
	missing string

	mu       sync.Mutex
	said     []string // on the console, and what the browser has to complain of
	strange  []string // requests that lead away from the planet and are no pictures of posts
	dialogs  []string // what asked people something
	scripts  []string // what was compiled, but for what the test itself runs
	pictures int      // of posts, from elsewhere
	received float64  // bytes from the planet, as they were transferred
	own      map[network.RequestID]bool
}

// tabPatience is how long a tab may take for one thing, on a machine that is busy.
const tabPatience = 2 * time.Minute

// aPicture is what every picture of a post is: one transparent pixel.
var aPicture, _ = base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

// tab opens one; the test ends with it.
func (b *browser) tab(t testing.TB) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	v := &tab{t: t, ctx: ctx, own: map[network.RequestID]bool{}}
	if err := chromedp.Listen(ctx, v.hear); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	paused := chromedp.Events(ctx, fetch.RequestPaused)
	wg.Go(func() {
		for e, err := range paused {
			if err != nil {
				return
			}
			_ = chromedp.Do(ctx, v.answer(&e)) // fails when the tab has gone on, which nobody minds
		}
	})
	t.Cleanup(func() {
		closeTab()
		wg.Wait()
	})
	v.do(
		command(fetch.Enable, fetch.EnableParams{}), command(network.Enable, network.EnableParams{}),
		command(audits.Enable, cdp.Empty{}), command(log.Enable, cdp.Empty{}),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}), // tabs are used at once
	)
	return v
}

// command is a command without a result that matters.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// do takes the steps, or the test fails.
func (v *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, tabPatience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatal(err)
	}
}

// eval is the value of an expression, or of the promise that it is.
func eval[T any](v *tab, expression string) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, tabPatience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatalf("%.80s: %v", expression, err)
	}
	return value
}

// open loads an address of the planet and returns the status.
func (v *tab) open(address string) int64 {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, tabPatience)
	defer cancel()
	res, err := chromedp.Run(ctx, chromedp.NavigateResponse(shownURL+strings.TrimPrefix(address, "/")))
	if err != nil {
		v.t.Fatalf("open %s: %v", address, err)
	}
	return res.Status
}

// look gives the tab a width, in pixels, and a colour scheme, "light" or "dark".
func (v *tab) look(width int64, scheme string) {
	v.t.Helper()
	v.do(chromedp.EmulateViewport(width, 900), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}))
}

// fromPlanet says whether an address is one of the planet's.
func fromPlanet(address string) bool { return strings.HasPrefix(address, shownURL) }

// answer lets the planet answer for itself; pictures of posts are all the same, and
// nobody answers anything else.
func (v *tab) answer(e *fetch.EventRequestPaused) chromedp.Action[chromedp.Void] {
	switch {
	case fromPlanet(e.Request.URL) && v.document != "" && e.ResourceType == "Document":
		return command(fetch.FulfillRequest, fetch.FulfillRequestParams{
			RequestID: e.RequestID, ResponseCode: 200, Body: []byte(v.document),
			ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/html; charset=utf-8"}, {Name: "Content-Security-Policy", Value: "default-src 'none'"}},
		})
	case fromPlanet(e.Request.URL):
		return command(fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
	case e.ResourceType == "Image" || e.ResourceType == "Media":
		v.mu.Lock()
		defer v.mu.Unlock()
		v.pictures++
		return command(fetch.FulfillRequest, fetch.FulfillRequestParams{
			RequestID: e.RequestID, ResponseCode: 200, Body: bytes.Clone(aPicture),
			ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "image/gif"}},
		})
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.strange = append(v.strange, fmt.Sprintf("%s %s", e.ResourceType, e.Request.URL))
	return command(fetch.FailRequest, fetch.FailRequestParams{RequestID: e.RequestID, ErrorReason: network.ErrorReasonBlockedByClient})
}

// hear notes what happens in the tab.
func (v *tab) hear(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.URL == v.missing {
			return
		}
		v.said = append(v.said, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *runtime.EventConsoleAPICalled:
		v.said = append(v.said, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		v.said = append(v.said, "thrown: "+e.ExceptionDetails.Text)
	case *audits.EventIssueAdded:
		if e.Issue.Code != audits.InspectorIssueCodeLazyLoadImageIssue { // feeds do not say how large their pictures are
			details, _ := json.Marshal(e.Issue.Details)
			v.said = append(v.said, fmt.Sprintf("%s: %s", e.Issue.Code, details))
		}
	case *page.EventJavascriptDialogOpening:
		v.dialogs = append(v.dialogs, "a dialog: "+e.Message)
	case *debugger.EventScriptParsed:
		if fromPlanet(e.URL) { // what the test runs has no address of the planet
			v.scripts = append(v.scripts, fmt.Sprintf("a script at %s:%d", e.URL, e.StartLine+1))
		}
	case *network.EventRequestWillBeSent:
		v.own[e.RequestID] = fromPlanet(e.Request.URL)
	case *network.EventLoadingFinished:
		if v.own[e.RequestID] {
			v.received += e.EncodedDataLength
		}
	}
}

// forget forgets what was heard so far and returns it.
func (v *tab) forget() (said, strange []string, pictures int, received float64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	said, strange, pictures, received = v.said, v.strange, v.pictures, v.received
	v.said, v.strange, v.pictures, v.received = nil, nil, 0, 0
	return said, strange, pictures, received
}
