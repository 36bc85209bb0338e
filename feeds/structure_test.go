package feeds

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestHeadingsDoNotNest(t *testing.T) {
	becomes(t, map[string]string{
		`<h1><div><h1><h2>x`:          `<h1><div></div></h1><h1></h1><h2>x</h2>`,
		`<h2>a<p>b</h3>c`:             `<h2>a<p>b</p></h2>c`,
		`<h1><article><h1><h2>x`:      `<h1><article></article></h1><h1></h1><h2>x</h2>`,
		`<h2><a href=x>a<h3>b</a>c`:   `<h2><a href="https://b.example/dir/x">a</a></h2><h3>bc</h3>`,
		`<h2><table><td><h3>x</h2>y`:  `<h2><table><td><h3>x</h3>y</td></table></h2>`,
		`<h2>a</h2><h3>b</h3>`:        `<h2>a</h2><h3>b</h3>`,
		`<table><td></h1><h1>x</td>y`: `<table><td><h1>x</h1></td><tr><td>y</td></tr></table>`,
	})
}

func TestPartsOfATableEndTheCellTheyStandIn(t *testing.T) {
	becomes(t, map[string]string{
		`<table><caption><div><col><table>`:          `<table><caption><div></div></caption><col></table><table></table>`,
		`<table><td><article><tr><table>`:            `<table><td><article></article></td><tr></tr></table><table></table>`,
		`<table><tr><td><div><tbody><table>`:         `<table><tr><td><div></div></td></tr><tbody></tbody></table><table></table>`,
		`<table><tbody><tr><td>a<tr><th>b<tfoot>`:    `<table><tbody><tr><td>a</td></tr><tr><th>b</th></tr></tbody><tfoot></tfoot></table>`,
		`<table><colgroup><col><col><tr><td>x`:       `<table><colgroup><col><col></colgroup><tr><td>x</td></tr></table>`,
		`<table><td>a<td><table><td>b<td>c</table>d`: `<table><td>a</td><td><table><td>b</td><td>c</td></table>d</td></table>`,
		`<table><tr><td>a<caption>b`:                 `<table><tr><td>a</td></tr><caption>b</caption></table>`,
	})
}

func TestPartsOfATableNeedATable(t *testing.T) {
	becomes(t, map[string]string{
		`<col>x`: `x`, `<td>x</td>`: `x`, `<tr><th>x`: `x`, `<tbody>x`: `x`, `<caption>x</caption>`: `x`, `<colgroup><col></colgroup>x`: `x`,
		`<p>a<td>b</p>c`:                      `<p>ab</p>c`,
		`<table><td>x</table><tr><td>y`:       `<table><td>x</td></table>y`,
		`<ul><li><tr>x<li>y</ul></td>z`:       `<ul><li>x</li><li>y</li></ul>z`,
		`<div><tfoot><b>x</tfoot>y</b></div>`: `<div><b>xy</b></div>`,
	})
}

func TestReadingsStayInTheirRuby(t *testing.T) {
	becomes(t, map[string]string{
		`<ruby><dd><rt>x`:                       `<ruby></ruby><dl><dd>x</dd></dl>`,
		`<ruby>a<rp>(<rt>b<rp>)</ruby>c`:        `<ruby>a<rp>(</rp><rt>b</rt><rp>)</rp></ruby>c`,
		`<ruby>a<rt><b>b</rt></ruby>c`:          `<ruby>a<rt><b>b</b></rt></ruby>c`,
		`<rt>x</rt><rp>y`:                       `xy`,
		`<ruby>a<p>b<rt>c`:                      `<ruby>a</ruby><p>bc</p>`,
		`<p><ruby>a<rt>b<p>c`:                   `<p><ruby>a<rt>b</rt></ruby></p><p>c</p>`,
		`<ruby><ruby>a<rt>b</ruby><rt>c</ruby>`: `<ruby><ruby>a<rt>b</rt></ruby><rt>c</rt></ruby>`,
		`<b><ruby>a<rt>b<li>c</b>d`:             `<b><ruby>a<rt>b</rt></ruby><ul><li>c</li></ul></b>d`,
	})
}

func TestWhatStandsBetweenCellsGetsACell(t *testing.T) {
	becomes(t, map[string]string{
		`<table>a<tr><td>b</table>`:                     `<table><tr><td>a</td></tr><tr><td>b</td></tr></table>`,
		`<table><tr><td>a</td>b</tr>c</table>d`:         `<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>d`,
		"<table>\n<tr> <td>a</td> </tr>\n</table>":      "<table>\n<tr> <td>a</td> </tr>\n</table>",
		`<table><colgroup>a<col><tr><td>b</table>`:      `<table><colgroup></colgroup><tr><td>a</td></tr><col><tr><td>b</td></tr></table>`,
		`<table><b><tr><i><td>a</td></i></b></table>`:   `<table><tr><td>a</td></tr></table>`,
		`<table><center><tr><br><td>a</table>`:          `<table><tr><td>a</td></tr></table>`,
		`<table><a href=x>l</a><tr><td>a</table>`:       `<table><tr><td><a href="https://b.example/dir/x">l</a></td></tr><tr><td>a</td></tr></table>`,
		`<table><a name=x><img src=y><tr><td>a`:         `<table><tr><td><img src="https://b.example/dir/y"></td></tr><tr><td>a</td></tr></table>`,
		`<table><iframe src=x></iframe><tr><td>a`:       `<table><tr><td><a href="https://b.example/dir/x">https://b.example/dir/x</a></td></tr><tr><td>a</td></tr></table>`,
		`<table><li>a<li>b</table>`:                     `<table><tr><td><ul><li>a</li><li>b</li></ul></td></tr></table>`,
		`<table></br>&nbsp;<h2>a</h2><tr></table>`:      "<table><tr><td>\u00a0<h2>a</h2></td></tr><tr></tr></table>",
		`<table><img src="data:x" alt="E = m"></table>`: `<table><tr><td>E = m</td></tr></table>`,
	})
}

// A browser makes no more elements of a post than it has tags.
func TestNoPostBecomesManyMoreElements(t *testing.T) {
	bold := ""
	for i := range 97 {
		bold += fmt.Sprintf("<b lang=%c%c>", 'a'+i/26, 'a'+i%26)
	}
	for _, in := range []string{
		"<table>" + bold + strings.Repeat("<tr>x</tr>", 5_800), "<table>" + bold + strings.Repeat("<tr>x", 5_800),
		"<p><td>" + bold + strings.Repeat("<div>x</div>", 5_000), bold + strings.Repeat("<p>x", 5_000),
		"<table><td>" + bold + strings.Repeat("<tr>x<td>", 5_000), bold + strings.Repeat("<table>x</b>", 5_000),
	} {
		got := sanitized(t, in)
		doc, err := html.Parse(strings.NewReader(got))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range doc.Descendants() {
			n++
		}
		if tags := strings.Count(got, "<"); n > tags+6_000 {
			t.Errorf("%.30q…: %d nodes of %d tags", in, n, tags)
		}
		if n := strings.Count(got, "<b"); n > maxPhrasing {
			t.Errorf("%.30q…: %d elements", in, n)
		}
	}
}

func TestNestingHasABound(t *testing.T) {
	deep := strings.Repeat("<div>", 96)
	for i := range 6 {
		for _, in := range []string{
			"<li>x", "<dd>x", "<table><tbody><tr><td>x", "<table>x", "<p>x<p>y", "<iframe src=//e.example/></iframe>x", "<b>x<i>y", "<ul><li>x<li>y", "<ruby>a<rt>b<rt>c",
		} {
			sanitized(t, deep+strings.Repeat("<div>", i)+in)
			sanitized(t, strings.Repeat("<b>", 16+i)+in)
		}
	}
}

// made is a fragment of n tags, most of them of the elements whose starts and ends
// move others.
func made(r *rand.Rand, n int) string {
	heavy := strings.Fields("table table table td tr tbody caption col colgroup th thead ul li dl dd dt div p p a a b i h1 h2 ruby rt rp article")
	light := append(strings.Fields(allowedElements), "center", "form", "button", "svg", "select", "iframe", "font", "nobr")
	var b strings.Builder
	for range n {
		name := heavy[r.IntN(len(heavy))]
		if r.IntN(3) == 0 {
			name = light[r.IntN(len(light))]
		}
		switch k := r.IntN(20); {
		case k < 11:
			b.WriteString("<" + name + map[string]string{"a": " href=//e.example/", "img": " src=//e.example/", "iframe": " src=//e.example/"}[name] + ">")
		case k < 17:
			b.WriteString("</" + name + ">")
		case k < 19:
			b.WriteString("x")
		default:
			b.WriteString(" ")
		}
	}
	return b.String()
}

func TestNoTagsChangeAPage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rounds := 6_000
	if testing.Short() {
		rounds = 1_000
	}
	for range rounds {
		if sanitized(t, made(r, 2+r.IntN(12))); t.Failed() {
			return
		}
	}
}

func TestAddressesAreAsTheyCanBeUsed(t *testing.T) {
	const all = "http https mailto xmpp"
	for ref, want := range map[string]string{
		"https://a.example:65535/": "https://a.example:65535/", "https://a.example:65536/": "", "https://a.example:99999999999999999999/": "",
		"https://a.example:/": "https://a.example:/", "//a:b:/)": "", "//a:b:80/": "", "http://[::1]:8080/": "http://[::1]:8080/",
		"http://[fe80::1%25eth0]/": "", "http://[::1%25é]/": "", "http://[x]/": "", "http://[::1]x/": "", "http://[1.2.3.4]/": "",
		"http://bücher.example/ä": "http://xn--bcher-kva.example/%C3%A4", "http://b%C3%BCcher.example:81/": "http://xn--bcher-kva.example:81/",
		"http://%E2%80%AEelpmaxe.e/": "", "http://e.example%EF%BC%8Fx/": "", "http://e.example\uff0fx/": "", "http://e\u2066x.example/": "", "http://%C2%85.example/": "",
		"http://" + strings.Repeat("é", 1500) + "/": "", "http://e%2eexample/": "", "http://a_b.example/": "http://a_b.example/",
		"mailto:<a>\"b\"@c d?subject=x y": "mailto:%3Ca%3E%22b%22@c%20d?subject=x%20y", "mailto:a@b\u2028c": "mailto:a@b%E2%80%A8c",
		"xmpp:r@b?join;x=<y>": "xmpp:r@b?join;x=%3Cy%3E", "xmpp:r@b/ä \u202e": "xmpp:r@b/%C3%A4%20%E2%80%AE", "xmpp://a@b.example/r@c?join": "xmpp://a@b.example/r@c?join",
		"xmpp://a<b>/": "", "mailto:100%25@b": "mailto:100%25@b", "/x?a=b c": "https://b.example/x?a=b%20c",
	} {
		got := Resolve(at, ref, strings.Fields(all)...)
		if got != want {
			t.Errorf("Resolve(%q) = %q, want %q", ref, got, want)
		}
		if again := Resolve("", got, strings.Fields(all)...); again != got {
			t.Errorf("Resolve(%q) = %q, again %q", ref, got, again)
		}
	}
}
