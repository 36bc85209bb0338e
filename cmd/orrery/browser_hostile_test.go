//go:build !race

// The race detector finds nothing in a browser, and what it is shown is served under it elsewhere.

package main

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/debugger"
	"github.com/chromedp/cdproto/page"
)

// attacks are what a feed could run a script with: as HTML of a post, as its title,
// its author, a tag and an address.
var attacks = []string{
	`<script>canary(1)</script>`,
	`<script src="https://attack.example/a.js"></script>`,
	`<scr<script>ipt>canary(2)</scr</script>ipt>`,
	`<img src=x onerror=canary(3)>`,
	`<img src="x"onerror="canary(4)">`,
	`<img/src="x"/onerror=canary(5)>`,
	"<img src=\"`\"onerror=canary(6)//`\">",
	`<svg onload=canary(7)>`,
	`<svg><script>canary(8)</script></svg>`,
	`<svg><animate onbegin=canary(9) attributeName=x dur=1s>`,
	`<svg><a xlink:href="javascript:canary(10)"><text x=20 y=20>x</text></a></svg>`,
	`<svg><style><img src=x onerror=canary(11)></style></svg>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=canary(12)&gt;">`,
	`<math><mi xlink:href="data:x,<script>canary(13)</script>">x</mi></math>`,
	`<noscript><p title="</noscript><img src=x onerror=canary(14)>">`,
	`<form><math><mtext></form><form><mglyph><style></math><img src onerror=canary(15)>`,
	`<iframe srcdoc="<script>parent.canary(16)</script>"></iframe>`,
	`<iframe src="javascript:parent.canary(17)"></iframe>`,
	`<object data="javascript:canary(18)"></object><embed src="javascript:canary(19)">`,
	`<body onload=canary(20)><p onclick=canary(21) onpointerenter=canary(22)>x</p>`,
	`<a href="javascript:canary(23)">x</a><a href=" &#14; java&#10;script:canary(24)">x</a>`,
	`<a href="JaVaScRiPt:canary(25)">x</a><a href="vbscript:canary(26)">x</a>`,
	`<a href="data:text/html,<script>canary(27)</script>">x</a>`,
	`<details open ontoggle=canary(28)><summary>x</summary>y</details>`,
	`<video src=x onerror=canary(29)></video><audio autoplay><source src=x onerror=canary(30)></audio>`,
	`<input autofocus onfocus=canary(31)><select autofocus onfocus=canary(32)>`,
	`<p style="background:url(javascript:canary(33));animation:x" onanimationstart=canary(34)>x</p><style>@keyframes x{}</style>`,
	`<link rel=stylesheet href="https://attack.example/a.css"><style>@import "https://attack.example/b.css";</style>`,
	`<meta http-equiv=refresh content="0;url=javascript:canary(35)"><base href="https://attack.example/">`,
	`</div></article></main><script>canary(36)</script>`,
	`<!--><img src=x onerror=canary(37)>--><![CDATA[><img src=x onerror=canary(38)>]]`,
	`<template><script>canary(39)</script></template><xmp><img src=x onerror=canary(40)></xmp>`,
	`<textarea><img src=x onerror=canary(41)></textarea><title><img src=x onerror=canary(42)></title>`,
	`<a href="https://ok.example/" id=canary name=__proto__ class=skip accesskey=x tabindex=1 target=_top>x</a>`,
	`<form action="javascript:canary(43)"><button formaction="javascript:canary(44)">x</button></form>`,
	`&lt;script&gt;canary(45)&lt;/script&gt;&amp;lt;img src=x onerror=canary(46)&amp;gt;`,
	`<isindex type=image src=1 onerror=canary(47)><frameset onload=canary(48)>`,
	`<p>x</p><plaintext><img src=x onerror=canary(49)>`,
	"<img src='x' \x0bonerror=canary(50)><img src=x\u2028onerror=canary(51)>",
	`"><img src=x onerror=canary(52)>' onmouseover='canary(53)`,
	`{{constructor.constructor('canary(54)')()}}${canary(55)}<%= canary(56) %>`,
}

// attackingFeed has each attack in every field of a post. Afterwards every post has
// another text, so that its versions and what is different in them attack, too.
func attackingFeed(edited bool) string {
	var b strings.Builder
	b.WriteString(`<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>` +
		`<title>Attacks &lt;img src=x onerror=canary(100)&gt;</title><link>javascript:canary(101)</link><description>x &lt;script&gt;canary(102)&lt;/script&gt;</description>` +
		`<image><url>javascript:canary(103)</url></image><language>en" onload="canary(104)</language>`)
	for i, a := range attacks {
		a = strings.ReplaceAll(a, "\x0b", "&#11;")
		text := html.EscapeString(a)
		before, after := "before", "after"
		if edited {
			before, after = "edited "+text, text+" and edited"
		}
		fmt.Fprintf(&b, "<item><guid isPermaLink=\"false\">%[1]d %[2]s</guid><title>%[1]d %[3]s %[2]s</title><dc:creator>%[2]s</dc:creator><category>%[2]s</category>"+
			"<link>https://attack.example/%[1]d?%[2]s</link><comments>javascript:canary(%[1]d)</comments><pubDate>Sat, 01 Jun 2024 10:%02[1]d:00 GMT</pubDate>"+
			"<enclosure url=\"javascript:canary(%[1]d)\" type=\"%[2]s\" length=\"1\"/><content:encoded>%[4]s</content:encoded></item>",
			i, text, before, html.EscapeString("<p>"+before+"</p>"+a+"<p>"+html.UnescapeString(after)+"</p>"))
	}
	b.WriteString(`</channel></rss>`)
	return b.String()
}

// aCanary notes whatever a script of the page could do. It is there before the page is.
const aCanary = `{
const ran = [];
const note = what => function() { ran.push(what + "(" + Array.from(arguments).slice(0, 1).map(String) + ")"); return Promise.resolve() };
window.canary = note("canary");
for (const what of ["alert", "prompt", "confirm", "print", "open", "fetch", "eval", "setTimeout", "setInterval", "XMLHttpRequest", "WebSocket", "EventSource", "Worker", "Image"]) window[what] = note(what);
navigator.sendBeacon = note("sendBeacon");
for (const what of ["write", "writeln", "createElement"]) document[what] = note(what);
Object.defineProperty(document, "cookie", { get: note("cookie"), set: note("cookie") });
addEventListener("error", e => { if (e instanceof ErrorEvent) ran.push("error: " + e.message) });
window.ran = () => ran;
}
//# sourceURL=canary.js`

// whatCouldRun finds what could run a script in a page, if somebody clicked.
const whatCouldRun = `(() => {
const found = [];
const bad = /^[\u0000-\u0020]*(javascript|vbscript|livescript|data|file|blob):/i;
for (const e of document.querySelectorAll("*")) {
	const name = e.localName;
	if (["script", "iframe", "frame", "frameset", "object", "embed", "applet", "base", "template", "noscript", "math", "foreignobject", "animate", "set", "portal", "plaintext", "xmp"].includes(name)
		&& !(name === "script" && e.type === "application/ld+json")) found.push("<" + name + ">");
	if (e.closest(".text, .differs") && ["form", "input", "select", "textarea", "button", "style", "link", "meta", "svg", "title", "main", "article", "nav"].includes(name)) found.push("<" + name + "> in a post");
	for (const a of e.attributes) {
		if (/^on/i.test(a.name) || ["srcdoc", "formaction", "ping", "style", "accesskey"].includes(a.name.toLowerCase())) found.push(name + "[" + a.name + "]");
		if (/^(href|src|action|data|poster|background|cite|longdesc|manifest|srcset|xlink:href|content)$/i.test(a.name) && bad.test(a.value.replace(/[\t\n\r]/g, ""))) found.push(name + "[" + a.name + "=" + a.value.slice(0, 40) + "]");
		if (e.closest(".text, .differs") && ["id", "class", "name", "tabindex", "target"].includes(a.name.toLowerCase()) && !e.matches(".text, .differs, pre[tabindex='0'], table[tabindex='0']")) found.push(name + "[" + a.name + "] in a post");
	}
}
return found;
})()`

// dangers loads a page with the policy switched off and says what ran there, or
// could.
func dangers(v *tab, address string) []string {
	v.t.Helper()
	v.open(address)
	found := eval[[]string](v, whatCouldRun)
	// What is folded and what lies below would else not be loaded.
	_ = eval[bool](v, `(() => { for (const d of document.querySelectorAll("details")) d.open = true; for (const i of document.images) i.loading = "eager"; return true })()`)
	_ = eval[bool](v, `Promise.all(Array.from(document.images, i => i.decode().catch(() => {}))).then(() => true)`)
	found = append(found, eval[[]string](v, "ran()")...)
	v.mu.Lock()
	defer v.mu.Unlock()
	found = slices.Concat(found, v.scripts, v.dialogs, v.strange)
	v.scripts, v.dialogs, v.strange = nil, nil, nil
	return found
}

// defenceless is a tab in which the policy of pages does not hold, and that has a canary.
func defenceless(t *testing.T, b *browser) *tab {
	t.Helper()
	v := b.tab(t)
	v.do(
		command(page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}),
		command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: aCanary}),
		command(debugger.Enable, debugger.EnableParams{}),
	)
	return v
}

// noScriptRuns looks at everything the hostile feeds have got onto the planet.
func noScriptRuns(t *testing.T, b *browser) {
	views := []string{"/search?q=canary", "/search?q=%22%3E%3Cscript%3Ecanary(1)%3C/script%3E", "/categories/", "/sources/", "/status/"}
	for slug, least := range map[string]int{"attack": len(attacks), "hostile-xss-attack-rss": 3} {
		source := "/source/" + slug + "/"
		html := b.planet.get(t, source)
		views = append(views, source, source+"titles/", source+"why/")
		entries := links(html, `/entry/[^"]+/`)
		if len(entries) < least {
			t.Errorf("only %d entries of %s are shown, want %d", len(entries), slug, least)
		}
		if testing.Short() {
			entries = entries[:min(len(entries), 5)]
		}
		views = append(views, entries...)
		for _, pattern := range []string{`/category/[^"]*canary[^"]*/`, `/author/[^"]*canary[^"]*/`} {
			list := links(html, pattern)
			views = append(views, list[:min(len(list), 3)]...)
		}
	}
	v := defenceless(t, b)
	for _, address := range views {
		for _, danger := range dangers(v, address) {
			t.Errorf("%s: %s", address, danger)
		}
	}
	t.Logf("%d pages", len(views))
}

// canarySings makes sure that noScriptRuns would see what it looks for.
func canarySings(t *testing.T, b *browser) {
	v := defenceless(t, b)
	v.document = `<!DOCTYPE html><title>x</title><p onclick="x">x<script>canary(1)</script><img src="https://x.example/" onload="canary(2)">
<svg onload="fetch('https://x.example/')"></svg><a href=" java&#10;script:x">x</a><div class="text"><form></form></div>`
	found := dangers(v, "/")
	for _, want := range []string{
		"canary(1)", "canary(2)", "fetch(https://x.example/)", "<script>", "p[onclick]", "svg[onload]", "a[href=", "<form> in a post",
		"a script at " + shownURL,
	} {
		if !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, want) }) {
			t.Errorf("%q was not found, but %q", want, found)
		}
	}
}
