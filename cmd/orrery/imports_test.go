package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// allowed says whether a package of ours may import another: everybody feeds, a
// folder its own children, only cmd/orrery across.
func allowed(from, to string) bool {
	return from == "orrery/cmd/orrery" || to == "orrery/feeds" && from != "orrery/config" || strings.HasPrefix(to, from+"/")
}

func TestTheLawOfImportsIsKept(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		from := "orrery/" + filepath.ToSlash(rel)
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			to, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if !strings.HasPrefix(to, "orrery/") {
				continue
			}
			seen++
			if !allowed(from, to) {
				t.Errorf("%s: %s may not import %s", path, from, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Errorf("only %d imports between our packages were seen; the test looks in the wrong place", seen)
	}
}

func TestTheLawForbidsWhatItShould(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"orrery/cmd/orrery", "orrery/storage", true},
		{"orrery/aggregator", "orrery/feeds", true},
		{"orrery/aggregator", "orrery/aggregator/fetch", true},
		{"orrery/feeds/site", "orrery/feeds", true},
		{"orrery/storage", "orrery/aggregator", false},
		{"orrery/aggregator", "orrery/storage", false},
		{"orrery/feeds", "orrery/storage", false},
		{"orrery/aggregator", "orrery/feeds/site", false},
		{"orrery/config", "orrery/feeds", false},
	} {
		if got := allowed(c.from, c.to); got != c.want {
			t.Errorf("%s imports %s: allowed is %v, want %v", c.from, c.to, got, c.want)
		}
	}
}
