package feeds

import (
	"strings"
	"testing"
)

const at = "https://b.example/dir/post"

// sanitized wants what every result must be: harmless, balanced, unable to
// change the page around it, unchanged by a second pass and by bluemonday.
func sanitized(t *testing.T, in string) string {
	t.Helper()
	got := Sanitize(in, at)
	if p := harmful(got); p != "" {
		t.Errorf("Sanitize(%.200q): %s in %.300q", in, p, got)
	}
	if p := unbalanced(got); p != "" {
		t.Errorf("Sanitize(%.200q): %s in %.300q", in, p, got)
	}
	if p := disturbs(got); p != "" {
		t.Errorf("Sanitize(%.200q) = %.300q: %.500s", in, got, p)
	}
	if again := Sanitize(got, "https://else.example/"); again != got && len(got) <= maxHTML {
		t.Errorf("Sanitize(%.200q) is not idempotent:\n%.300q\n%.300q", in, got, again)
	}
	if again := policy.Sanitize(got); again != got {
		t.Errorf("bluemonday changes %.300q into %.300q", got, again)
	}
	return got
}

// becomes wants every input of the table to be sanitized to its value.
func becomes(t *testing.T, tests map[string]string) {
	t.Helper()
	for in, want := range tests {
		if got := sanitized(t, in); got != want {
			t.Errorf("Sanitize(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestHostileAddressesAndAttributesAreDropped(t *testing.T) {
	becomes(t, map[string]string{
		`<a href="javascript:alert(1)">x</a>`:                                                                `<a>x</a>`,
		`<a href=" java` + "\t\n" + `script:alert(1)">x</a>`:                                                 `<a>x</a>`,
		`<a href="jav&#x09;ascript&colon;alert(1)">x</a>`:                                                    `<a>x</a>`,
		`<a href="&#106;&#97;vascript:alert(1)">x</a>`:                                                       `<a>x</a>`,
		`<A HREF="JaVaScRiPt:alert(1)">x</A>`:                                                                `<a>x</a>`,
		"<a href=\"\x01javascript:alert(1)\">x</a>":                                                          `<a>x</a>`,
		`<a href="vbscript:x">x</a><a href="data:text/html,x">y</a>`:                                         `<a>x</a><a>y</a>`,
		`<a href="file:///etc/passwd">x</a>`:                                                                 `<a>x</a>`,
		`<a href="https:">x</a><a href="https:///p">y</a>`:                                                   `<a>x</a><a>y</a>`,
		`<img src="data:image/svg+xml,<svg onload=alert(1)>" alt=a>`:                                         `a`,
		`<img src=x onerror=alert(1)>`:                                                                       `<img src="https://b.example/dir/x">`,
		`<img src="/a.png" srcset="javascript:x 2x" style="x:y">`:                                            `<img src="https://b.example/a.png">`,
		`<img alt="x" width=10 height="9000000" src=a.png>`:                                                  `<img src="https://b.example/dir/a.png" alt="x" width="10">`,
		`<a href="two?a=1&b=2#c">x</a>`:                                                                      `<a href="https://b.example/dir/two?a=1&amp;b=2#c">x</a>`,
		`<a href="mailto:a@b.example">m</a><a href="xmpp:a@b">x</a>`:                                         `<a href="mailto:a@b.example">m</a><a href="xmpp:a@b">x</a>`,
		`<a href="https://b.example/50%off now">x</a>`:                                                       `<a href="https://b.example/50%25off%20now">x</a>`,
		`<a href="x" href="javascript:y" onclick=z target=_top>x</a>`:                                        `<a href="https://b.example/dir/x">x</a>`,
		`<a href="http://[::1%25eth0]/">x</a><a href="http://[::1%25é]/">y</a><a href="http://[::1]/">z</a>`: `<a>x</a><a>y</a><a href="http://[::1]/">z</a>`,
		`<img src=//a:b:/)><a href=//a:b:80/>x</a><a href="http://a:b:80/">y</a>`:                            `<a>x</a><a>y</a>`,
		`<a href="mailto:&quot;<x> y&#x2028;é@b">m</a>`:                                                      `<a href="mailto:%22%3Cx%3E%20y%E2%80%A8%C3%A9@b">m</a>`,
		// Pictures that load late.
		`<img data-src="/real.png" src="data:image/gif;base64,R0">`:     `<img src="https://b.example/real.png">`,
		`<img data-lazy-src="javascript:x" data-original="/o.png">`:     `<img src="https://b.example/o.png">`,
		`<picture><source srcset="x.webp"><img src="/p.png"></picture>`: `<img src="https://b.example/p.png">`,
		// Attributes.
		`<p id=a class=b style="color:red" onclick="x" data-x=1 lang=de dir=rtl>x</p>`: `<p lang="de" dir="rtl">x</p>`,
		`<p dir="evil" lang="x y">x</p>`:                                               `<p>x</p>`,
		`<time datetime="2026-01-01T00:00:00Z">x</time><time datetime="<">y</time>`:    `<time datetime="2026-01-01T00:00:00Z">x</time><time>y</time>`,
		`<p title="` + "`" + `" / =x>x</p>`:                                            `<p>x</p>`,
	})
}

func TestHostileElementsGoWithAllTheyHold(t *testing.T) {
	becomes(t, map[string]string{
		`a<script>alert(1)</script>b`:  `ab`,
		`a<SCRIPT SRC=//x></SCRIPT >b`: `ab`,
		`a<script/>alert(1)</script>b`: `ab`,
		`a<script`:                     `a`,
		`a<script>never closed <b>x`:   `anever closed <b>x</b>`,
		`a<style>b{}</style><title>t</title><noscript>n</noscript>c`:                         `ac`,
		`a<form action=x><input name=y><button>z</button></form>b`:                           `ab`,
		`a<form>b <formula>c</formula>`:                                                      `ab c`,
		`<svg><script>alert(1)</script></svg>x`:                                              `x`,
		`<svg/onload=alert(1)>x`:                                                             `x`,
		`<math><mtext><table><mglyph><style><img src=x onerror=y></style></math>x`:           `x`,
		`<template><img src=x></template>x`:                                                  `x`,
		`<textarea></textarea><img src=x onerror=y></textarea>`:                              `<img src="https://b.example/dir/x">`,
		`<plaintext>a<b>b`:                                                                   `a<b>b</b>`,
		`<xmp><b>x</xmp>y`:                                                                   `y`,
		`<select><option>a</option></select>b`:                                               `b`,
		`a<!-- <script>x</script> -->b<!doctype x><?php y ?>c<![CDATA[d]]>`:                  `abc`,
		`a<!--><img src=x onerror=y>-->b`:                                                    `a<img src="https://b.example/dir/x">--&gt;b`,
		`<base href="//evil.example"><link rel=stylesheet href=x><meta http-equiv=refresh>x`: `x`,
		`<html><head><title>t</title></head><body onload=x>y</body></html>`:                  `y`,
	})
}

func TestMutationsThatBrokeSanitizersDoNothing(t *testing.T) {
	becomes(t, map[string]string{
		`<noscript><p title="</noscript><img src=x onerror=y>">`:                    `<img src="https://b.example/dir/x">&#34;&gt;`,
		`<svg></p><style><a id="</style><img src=1 onerror=y>">`:                    `<img src="https://b.example/dir/1">&#34;&gt;`,
		`<math><annotation-xml encoding="text/html"><img src=x onerror=y></math>z`:  `z`,
		`<form><math><mtext></form><form><mglyph><style></math><img src onerror=y>`: ``,
		`<<script>script>alert(1)</script>`:                                         `&lt;`,
		`<scr<script>ipt>x</scr</script>ipt>`:                                       `ipt&gt;xipt&gt;`,
		`<a title="<b>">x</a>`:                                                      `<a>x</a>`,
		`<img src="x` + "`" + `><script>alert(1)</script>">y`:                       `<img src="https://b.example/dir/x%60%3E%3Cscript%3Ealert%281%29%3C/script%3E">y`,
		"<p\x00onclick=x>y</p>":                                                     `y`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`:                                     `&lt;script&gt;alert(1)&lt;/script&gt;`,
		`&amp;lt;b&amp;gt;`:                                                         `&amp;lt;b&amp;gt;`,
	})
}

func TestBrokenMarkupIsBalanced(t *testing.T) {
	becomes(t, map[string]string{
		`</div></article></main></body>x`:               `x`,
		`<div><b>x`:                                     `<div><b>x</b></div>`,
		`<b><i>x</b></i>`:                               `<b><i>x</i></b>`,
		`<p>a<p>b`:                                      `<p>a</p><p>b</p>`,
		`<p>a<div>b</div>c</p>`:                         `<p>a</p><div>b</div>c`,
		`<p><b>a<ul><li>b</ul>`:                         `<p><b>a</b></p><ul><li>b</li></ul>`,
		`<ul><li>a<li>b</ul>`:                           `<ul><li>a</li><li>b</li></ul>`,
		`<ul><li>a<ul><li>b</ul><li>c</ul>`:             `<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>`,
		`<li>a<li>b`:                                    `<ul><li>a</li><li>b</li></ul>`,
		`<ol><li>a</li></ol>`:                           `<ol><li>a</li></ol>`,
		`<dl><dt>a<dd>b<dt>c</dl>`:                      `<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>`,
		`<dd>a`:                                         `<dl><dd>a</dd></dl>`,
		`<table><tr><td>a<td>b<tr><td>c</table>`:        `<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>`,
		`<table><tr><td></table></table>x`:              `<table><tr><td></td></tr></table>x`,
		`<table><table><tr><td>x</table>`:               `<table></table><table><tr><td>x</td></tr></table>`,
		`<table><tbody><tr><td><b>x</td></tr></table>y`: `<table><tbody><tr><td><b>x</b></td></tr></tbody></table>y`,
		`<table><td></div></li>x</table>`:               `<table><td>x</td></table>`,
		`<ul><li><table><tr><td><li>x</table>`:          `<ul><li><table><tr><td><ul><li>x</li></ul></td></tr></table></li></ul>`,
		`<table><td colspan=2 rowspan="x">a`:            `<table><td colspan="2">a</td></table>`,
		`<a href=x>a<a href=y>b</a>`:                    `<a href="https://b.example/dir/x">a</a><a href="https://b.example/dir/y">b</a>`,
		`a<br/>b</br>c<hr>d`:                            `a<br>b<br>c<hr>d`,
		`<b/>x`:                                         `<b>x</b>`,
		`<center><font color=red>x</font></center>`:     `<div>x</div>`,
		`<blink>a <unknown>b</unknown></blink>`:         `a b`,
		`<pre>  a` + "\n" + `  b</pre>`:                 "<pre>  a\n  b</pre>",
		`a < b && c > d`:                                `a &lt; b &amp;&amp; c &gt; d`,
		`AT&T &copy; &nbsp;x &bogus;`:                   "AT&amp;T © \u00a0x &amp;bogus;",
		`It's "so"`:                                     `It&#39;s &#34;so&#34;`,
		"  plain text ":                                 `plain text`,
		`<`:                                             `&lt;`,
		``:                                              ``,
	})
}

func TestPlayersBecomeLinks(t *testing.T) {
	becomes(t, map[string]string{
		`a<iframe src="https://v.example/1" title="A film">no</iframe>b`:       `a<a href="https://v.example/1">A film</a>b`,
		`<iframe src="//v.example/1"/><p>rest</p>`:                             `<a href="https://v.example/1">https://v.example/1</a><p>rest</p>`,
		`<iframe src="https://v.example/1"><p>rest</p>`:                        `<a href="https://v.example/1">https://v.example/1</a><p>rest</p>`,
		`<video controls><source src="v.mp4"><source src="v.webm">old</video>`: `<a href="https://b.example/dir/v.mp4">https://b.example/dir/v.mp4</a>`,
		`<audio src="a.ogg"></audio>`:                                          `<a href="https://b.example/dir/a.ogg">https://b.example/dir/a.ogg</a>`,
		`<object data="o.pdf"><embed src="o.swf"></object>`:                    `<a href="https://b.example/dir/o.pdf">https://b.example/dir/o.pdf</a>`,
		`<embed src="javascript:x"><iframe srcdoc="<script>x"></iframe>`:       ``,
		`<a href="x">l<video src="v"></video>m</a>`:                            `<a href="https://b.example/dir/x">l</a><a href="https://b.example/dir/v">https://b.example/dir/v</a>m`,
	})
}

// A page that loads its players late keeps their addresses elsewhere.
func TestPlayersThatLoadLateBecomeLinks(t *testing.T) {
	link := `<a href="https://v.example/1">https://v.example/1</a>`
	becomes(t, map[string]string{
		`<iframe data-src="https://v.example/1"></iframe>`:                                                     link,
		`<iframe src="about:blank" data-src="https://v.example/1"></iframe>`:                                   link,
		`<iframe data-lazy-src="//v.example/1"></iframe>x`:                                                     link + `x`,
		`<video data-src="https://v.example/1"></video>`:                                                       link,
		`<video src="blob:https://b.example/1"><source src="https://v.example/1"><source src=y></video>`:       link,
		`<video src="blob:x"><source src="blob:y"><p>No? <a href="https://v.example/1">Get it</a></p></video>`: link,
		`<object><param name=movie value="https://v.example/1"><embed src="https://v.example/2"></object>`:     link,
		`<object><param name=wmode value=opaque><embed src="https://v.example/1"></embed></object>`:            link,
		`<audio><iframe src="https://v.example/1"></iframe></audio>`:                                           link,
		`<canvas><a href=x>y</a></canvas>z`:                                                                    `z`,
	})
}

func TestPicturesAreFoundWhereverTheirAddressIs(t *testing.T) {
	at := func(s string) string { return `<img src="https://b.example/dir/` + s + `">` }
	becomes(t, map[string]string{
		`<img srcset="a.png 1x, b.png 2x">`:                                      at("b.png"),
		`<img srcset="a.png 1200w,b.png 300w">`:                                  at("a.png"),
		`<img data-srcset="w_424,c_limit/a.png 424w, w_848,c_limit/b.png 848w">`: at("w_848,c_limit/b.png"),
		`<img srcset="a.png, b.png">`:                                            at("b.png"),
		`<img srcset=",a.png,">`:                                                 at("a.png"),
		`<img srcset="a.png 1x, javascript:x 2x, data:image/png;base64,R0 3x">`:  at("a.png"),
		`<img src="data:image/gif;base64,R0" srcset="a.png" alt=b>`:              `<img src="https://b.example/dir/a.png" alt="b">`,
		`<img src="c.png" srcset="a.png 2x">`:                                    at("c.png"),
		`<img srcset=" , "><img srcset="a.png NaNx"><img srcset>x`:               `x`,
		// One that is in the page itself goes, and is a formula or an ornament.
		`a<img src="data:image/png;base64,R0" alt=" E &lt; m ">b<img src="data:x" alt="">`: `aE &lt; mb`,
		`<img src="javascript:x" alt=a><img alt=b>`:                                        ``,
	})
}

func TestWhatStandsBehindALeftOutElementStays(t *testing.T) {
	becomes(t, map[string]string{
		`<form>a<form>b</form>REST`:                             `REST`,
		`<button>a<button>b</button>REST`:                       `REST`,
		`<select><option>a<select></select>REST`:                `REST`,
		`<object><object>a</object>REST`:                        `REST`,
		`<form>a<form>b</form>c</form>REST`:                     `REST`,
		`<form>a<form>b</form>REST<!-- </form> -->`:             `REST`,
		`<form>a<!-- </form> -->REST`:                           `aREST`,
		`<svg><svg></svg><p>REST`:                               `<p>REST</p>`,
		`<svg><title>t</svg>REST<title>u</title>`:               `REST`,
		`<svg><style>t</svg><p>REST</p><style>u</style>`:        `<p>REST</p>`,
		`<form><svg><style></svg></form>REST<style></style>`:    `REST`,
		`<select><noscript></select>REST<noscript>n</noscript>`: `REST`,
		`<select><script>"</select>"</script></select>REST`:     `REST`,
		`<form><textarea></form>a</textarea>b</form>REST`:       `REST`,
		`<!-- a --!>REST`:                                       `REST`, `<!-- a --!>b<!-- c -->d-->`: `bd--&gt;`, `a<!----!>b`: `ab`, `a<!---!>b-->c`: `ac`, `a<!--->b<!-->c`: `abc`, `a<!-- - -- -- >b-->c`: `ac`,
	})
}

func TestSanitizeIsBounded(t *testing.T) {
	tests := map[string]string{
		"nested":           strings.Repeat("<b>", 200) + "x",
		"nested lists":     strings.Repeat("<ul><li>", 300) + "x",
		"closed alone":     strings.Repeat("</b>", 10_000) + "x",
		"much text":        "<p>" + strings.Repeat("ä", maxHTML),
		"much to escape":   "<p>x" + strings.Repeat("<", maxHTML),
		"a player, deep":   strings.Repeat("<b>", 100) + "<iframe src=//e.example/></iframe>x",
		"an item, deep":    strings.Repeat("<div>", 99) + "<li>x",
		"attributes":       numbered(`<b a%d>`, 450) + strings.Repeat("</p><p>x", 20_000),
		"iframes":          strings.Repeat(`<iframe src="https://v.example/">`, 8_000) + "x",
		"unclosed drops":   strings.Repeat("<svg>", 40_000) + "x",
		"long ends":        strings.Repeat("</scriptx", 20_000) + "<script>x",
		"a Kelvin sign":    strings.Repeat("\u212A", 1000) + "<script>alert(1)</script>x",
		"a dotted I":       strings.Repeat("\u0130", 1000) + "</script> <script>x",
		"comments":         strings.Repeat("<!----!>", 32_000) + "-->x",
		"open comments":    "x" + strings.Repeat("<!--", 60_000),
		"dashes":           "x<!" + strings.Repeat("-", 250_000) + ">x",
		"sources":          strings.Repeat("<video>", 5_000) + strings.Repeat("<source src=:>", 10_000) + strings.Repeat("</video>", 4_000) + "x",
		"nested drops":     strings.Repeat("<svg><form>", 20_000) + "</form></svg>x",
		"commented ends":   strings.Repeat("<form><select>", 15_000) + "<!--</form></select>-->x",
		"candidates":       "x<img srcset='" + strings.Repeat(":,", 100_000) + "'>",
		"cut in an entity": strings.Repeat("x", maxHTML-3) + "&amp;",
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			got := sanitized(t, in)
			if len(got) > maxHTMLOut || !strings.Contains(got, "x") && !strings.Contains(got, "ä") || strings.Contains(got, "alert") {
				t.Errorf("%d bytes: %.100q…", len(got), got)
			}
			if n := strings.Count(got, "<b>"); n > maxOpen && name == "nested" {
				t.Errorf("%d elements are nested", n)
			}
		})
	}
}

// The checks of these tests can fail: each sees what it is made to see.
func TestHTMLChecksSeeFaults(t *testing.T) {
	for _, s := range []string{"<b>", "</b>", "<b></i>", "<b", "a < b", "<B></B>", "<p x=y></p>"} {
		if unbalanced(s) == "" {
			t.Errorf("%q is taken for balanced", s)
		}
	}
	for _, s := range []string{
		"<script></script>", `<a href="javascript:x"></a>`, `<img src="data:x">`, `<p onclick="x"></p>`, "<!-- x -->", `<a href="/x"></a>`,
	} {
		if harmful(s) == "" {
			t.Errorf("%q is taken for harmless", s)
		}
	}
	for _, s := range []string{
		"</div>", "<li>", "</ul>", "<plaintext>", "<h2><a></h2></a></div>", "<h1><div><h1></h1><h2></h2></h1></div></h1>", "<td>x</td>",
		"<table><caption><div><col><table></table></div></caption></table>", "<ruby><dd><rt>x</rt></dd></ruby>", "<table><b><tr>x</tr></b></table>",
	} {
		if disturbs(s) == "" {
			t.Errorf("%q is said to leave the page alone", s)
		}
	}
	for _, s := range []string{"<ul><li>x</li></ul>", "<table><tr><td>x</td></tr></table>", "<table><col><tr><td>x</td></tr></table>", "x<br>y", "<pre>\n x</pre>"} {
		if p := disturbs(s); p != "" {
			t.Errorf("%q is said to change the page: %s", s, p)
		}
	}
}
