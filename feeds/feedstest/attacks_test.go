package feedstest

import (
	"bytes"
	"slices"
	"testing"
)

func TestAttacksAreManyAndOfTheSizeAskedFor(t *testing.T) {
	all := Attacks()
	if len(all) < 60 {
		t.Errorf("only %d attacks", len(all))
	}
	names := map[string]bool{}
	for _, a := range all {
		if names[a.Name] {
			t.Errorf("%s: there are two of that name", a.Name)
		}
		names[a.Name] = true
		if !slices.Contains([]string{".xml", ".json", ".md", ".opml"}, a.Ext) {
			t.Errorf("%s: nobody reads %s", a.Name, a.Ext)
		}
		const n = 256 << 10
		body := a.Make(n)
		if len(body) < n-n/10 || len(body) > n+n/10 {
			t.Errorf("%s: %d bytes, want about %d", a.Name, len(body), n)
		}
		if !bytes.Equal(body, a.Make(n)) {
			t.Errorf("%s: not the same bytes again", a.Name)
		}
	}
}
