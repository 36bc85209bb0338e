package site

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// order is what a header asks for, in words.
func order(lines ...string) string {
	w := wanted(lines)
	var names []string
	for _, i := range w.forms[:w.n] {
		if int(i) == identity {
			names = append(names, "identity")
		} else {
			names = append(names, codings[i].name)
		}
	}
	return strings.Join(names, " ")
}

func TestAcceptEncodingIsReadWithItsWeights(t *testing.T) {
	for header, want := range map[string]string{
		"":                                    "identity",
		"gzip":                                "gzip identity",
		"GZIP":                                "gzip identity",
		"x-gzip":                              "gzip identity",
		"gzip, deflate, br, zstd":             "br zstd gzip identity",
		"gzip, zstd":                          "zstd gzip identity",
		"br;q=0.5, gzip":                      "gzip br identity",
		"br;q=0.5,zstd;q=0.9 , gzip;q=0.7":    "zstd gzip br identity",
		"br, gzip;q=0.5":                      "br gzip identity",
		"deflate, compress":                   "identity",
		"*":                                   "br zstd gzip identity",
		"*, br;q=0":                           "zstd gzip identity",
		"*;q=0.5, gzip":                       "gzip br zstd identity",
		"gzip;q=0":                            "identity",
		"gzip; q=0.000, *":                    "br zstd identity",
		"*;q=0":                               "identity",
		"*;q=0, gzip":                         "gzip identity",
		"identity, gzip;q=0.5":                "identity gzip",
		"identity;q=0.5, gzip":                "gzip identity",
		"identity;q=0.5, gzip;q=0.5":          "gzip identity",
		"identity;q=0.6, gzip;q=0.5, br":      "br identity gzip",
		"gzip;q=nonsense":                     "identity",
		"gzip;q=7":                            "identity",
		"gzip;q=1.001":                        "identity",
		"gzip;q=-0":                           "identity",
		"gzip;q=NaN":                          "identity",
		"gzip;q=1e0":                          "identity",
		"gzip;q=1.":                           "gzip identity",
		"gzip;q=0.3333333333333333, br;q=0.2": "gzip br identity",
		"gzip;Q=0.5;x=y, br;x=\"q=1\";q=0.6":  "br gzip identity",
		"identity;q=0, gzip;q=0.001":          "gzip identity",
		"identity;q=0, *;q=0":                 "identity", // 406 would help nobody
		"gzipped":                             "identity",
		",, ,gzip,,;q=1, ;":                   "gzip identity",
		"gzip\x00, br\x7f, \xff\xfe":          "identity",
	} {
		if got := order(header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	if got := order("gzip;q=0.5", "br", "zstd;q=0.7"); got != "br zstd gzip identity" {
		t.Errorf("over three lines: %s", got)
	}
	if got := order(); got != "identity" {
		t.Errorf("without the header: %s", got)
	}
}

func TestOnlyWhoNamesFeedWantsADelta(t *testing.T) {
	for header, want := range map[string]bool{
		"":                         false,
		"feed":                     true,
		"Feed":                     true,
		"feed;q=0.5":               true,
		"feed;q=0":                 false,
		"vcdiff, feed , gzip":      true,
		"vcdiff, gzip":             false,
		"*":                        false,
		"feeds":                    false,
		"identity, feed;q=0.5":     false,
		"identity;q=0.5, feed":     true,
		"vcdiff;q=1, feed;q=0.001": true,
	} {
		if got := wantsDelta([]string{header}); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
	if !wantsDelta([]string{"vcdiff", "feed"}) {
		t.Error("the second line is not read")
	}
}

func TestEntityTagsAreTakenApart(t *testing.T) {
	const a, b = "0123456789abcdef", "fedcba9876543210"
	for list, want := range map[string][]entityTag{
		``:                         nil,
		`"` + a + `"`:              {{text: `"` + a + `"`, base: a, form: identity}},
		`W/"` + a + `.b1"`:         {{text: `W/"` + a + `.b1"`, weak: true, base: a, form: 0}},
		`"` + a + `.g1-gzip"`:      {{text: `"` + a + `.g1-gzip"`, base: a, form: 2}},
		`"` + a + `-br"`:           {{text: `"` + a + `-br"`, base: a, form: identity}},
		`"` + a + `.b0"`:           {{text: `"` + a + `.b0"`, base: a, form: -1}},
		`"` + a + `","` + b + `"`:  {{text: `"` + a + `"`, base: a, form: identity}, {text: `"` + b + `"`, base: b, form: identity}},
		`*`:                        {{text: "*", star: true}},
		`"a,b" , W/"c"`:            {{text: `"a,b"`, base: "a,b", form: identity}, {text: `W/"c"`, weak: true, base: "c", form: identity}},
		`""`:                       {{text: `""`, form: identity}},
		a:                          nil,
		`"` + a:                    nil,
		`w/"` + a + `"`:            nil, // RFC 9110 §8.8.3: the W is a capital
		`"a" nonsense "b"`:         {{text: `"a"`, base: "a", form: identity}},
		`W/`:                       nil,
		"\t ,, \"a\" ,\t, \"b\" ,": {{text: `"a"`, base: "a", form: identity}, {text: `"b"`, base: "b", form: identity}},
	} {
		var got []entityTag
		for l := (entityTags{lines: []string{list}}); ; {
			tag, ok := l.next()
			if !ok {
				break
			}
			got = append(got, tag)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", list, got, want)
		}
	}
}

// hostileLists are headers of 10,000 members that mean nothing.
func hostileLists() map[string]string {
	const n = 10000
	return map[string]string{
		"commas":     strings.Repeat(",", n),
		"names":      strings.Repeat("x,", n),
		"parameters": "gzip" + strings.Repeat(";q", n),
		"weights":    "gzip;q=0." + strings.Repeat("9", n),
		"nines":      "gzip;q=" + strings.Repeat("9", n),
		"codings":    strings.Repeat("GZip;Q=0.001,", n),
		"tags":       strings.Repeat(`W/"a",`, n),
		"quotes":     strings.Repeat(`"`, n),
		"weak":       strings.Repeat(`W/`, n),
		"stars":      strings.Repeat(`x*`, n),
		"suffixes":   `"` + strings.Repeat("-gzip", n) + `"`,
		"dots":       `"` + strings.Repeat(".", n) + `"`,
		"spaces":     strings.Repeat(" ", n) + "," + strings.Repeat("\t", n),
		"bytes":      strings.Repeat("\x00\xff", n),
	}
}

func TestHostileListsCostNoMemory(t *testing.T) {
	s := newSite(t, newFake())
	d := newDocument([]byte("x"), facts{})
	for name, list := range hostileLists() {
		lines := []string{list, list}
		if n := testing.AllocsPerRun(10, func() {
			w := wanted(lines)
			_ = d.held(lines, true, &w)
			_ = wantsDelta(lines)
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		for _, h := range []string{"Accept-Encoding", "A-IM", "If-None-Match"} {
			wantStatus(t, get(s, "/feed.atom", h, list, "A-IM", "feed"), http.StatusOK)
		}
	}
}

func TestListsAreReadToTheHundredthMember(t *testing.T) {
	if got := order(strings.Repeat("x,", maxMembers-2) + "gzip"); got != "gzip identity" {
		t.Errorf("the last one: %s", got)
	}
	if got := order(strings.Repeat("x,", maxMembers-1) + "gzip"); got != "identity" {
		t.Errorf("the one behind: %s", got)
	}
	d := newDocument([]byte("x"), facts{})
	w := wanted(nil)
	if d.held([]string{strings.Repeat(`"a",`, 50), d.plain.tag[0]}, true, &w) != identity {
		t.Error("the tag behind fifty others is not found")
	}
	if d.held([]string{strings.Repeat(`"a",`, maxMembers) + d.plain.tag[0]}, true, &w) >= 0 {
		t.Error("the tag behind a hundred others is found")
	}
}

// Whatever a client sends, it gets one of the forms there are, and no form that it
// did not name by a tag makes a 304.
func FuzzNegotiation(f *testing.F) {
	for _, list := range hostileLists() {
		f.Add(list[:min(len(list), 200)], list[:min(len(list), 200)], list[:min(len(list), 200)])
	}
	f.Add("gzip, br;q=0.5, *;q=0, identity;q=1", `W/"a.b1", "b-gzip", *`, "feed;q=0.3, identity")
	d := newDocument([]byte(strings.Repeat("knight to f3 ", 30)), facts{})
	f.Fuzz(func(t *testing.T, accept, match, im string) {
		w := wanted([]string{accept})
		seen := map[int8]bool{}
		for _, i := range w.forms[:w.n] {
			if i < 0 || int(i) > identity || seen[i] {
				t.Fatalf("%q: forms %v", accept, w.forms[:w.n])
			}
			seen[i] = true
		}
		if !seen[int8(identity)] {
			t.Errorf("%q: the plain bytes are not among %v", accept, w.forms[:w.n])
		}
		if wantsDelta([]string{im}) && !strings.Contains(strings.ToLower(im), "feed") {
			t.Errorf("%q: a delta nobody asked for", im)
		}
		if held := d.held([]string{match}, true, &w); held >= 0 && !strings.Contains(match, "*") {
			if !strings.Contains(match, d.base) || !seen[int8(held)] {
				t.Errorf("%q: form %d is held", match, held)
			}
		}
		l := entityTags{lines: []string{match}}
		for n := 0; ; n++ {
			tag, ok := l.next()
			if !ok {
				break
			}
			if n == maxMembers || !strings.Contains(match, tag.text) || !strings.Contains(match, tag.base) {
				t.Fatalf("%q: tag %d is %+v", match, n, tag)
			}
		}
	})
}
