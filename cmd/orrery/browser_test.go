//go:build !race

// The race detector finds nothing in a browser, and what it is shown is served under it elsewhere.

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeVersion is the axe-core that judges the pages; make test installs it.
const axeVersion = "4.14.1"

// What people do with the planet, in the browser they have: all tests share one
// Chromium and one planet, and each has tabs of its own.
func TestPagesInARealBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		absent(t, "there is no chromium on the PATH (the Debian package chromium)")
	}
	p := showPlanet(t)
	b := startBrowser(t, chromium, p)
	slots := make(chan struct{}, 2)
	for _, c := range []struct {
		name string
		test func(*testing.T, *browser)
	}{
		{"AxeFindsNothing", axeFindsNothing}, // the longest first, beside the others
		{"NoPageScrollsSideways", nothingScrollsSideways},
		{"EveryViewLoadsWithoutComplaintAndIsLight", viewsAreLight},
		{"TheKeyboardLeadsThroughTheHomePage", keyboardLeads},
		{"TheFormSearches", formSearches},
		{"EveryViewNamesItsFeeds", viewsNameFeeds},
		{"NoPageRunsAScript", noScriptRuns},
		{"TheCanarySings", canarySings},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			c.test(t, b)
		})
	}
}

// absent fails or skips a test that lacks what it needs.
func absent(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what + "; make test installs it")
	}
	t.Skip(what + "; make test installs it where it may")
}

// axe is the source of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(dir, "orrery", "axe-core-"+axeVersion, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		absent(t, "axe-core is not installed (the npm package axe-core@"+axeVersion+"): "+err.Error())
	}
	return string(source)
}

// browser is a Chromium that runs until the test ends, and knows no other host than
// the planet.
type browser struct {
	ctx    context.Context
	planet *shownPlanet
	views  []view
}

func startBrowser(t *testing.T, chromium string, p *shownPlanet) *browser {
	t.Helper()
	ctx, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(chromium), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-features", "HttpsUpgrades,HttpsFirstBalancedMode,HttpsFirstBalancedModeAutoEnable"), // loopback has no certificate
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("host-resolver-rules", "MAP planet.example.org:80 "+p.address+", MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	t.Cleanup(stop) // and waits until nothing is left of it
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", chromium, err)
	}
	return &browser{ctx: ctx, planet: p, views: p.views(t)}
}
