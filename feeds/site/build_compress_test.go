package site

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"orrery/feeds"
)

func TestTextsMayBeCompressedBesideThemselves(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	dir := filepath.Join(t.TempDir(), "out")
	compressed := func() (BuildReport, map[string]string) {
		t.Helper()
		r, err := s.Build(t.Context(), dir, BuildOptions{Compress: true})
		if err != nil {
			t.Fatal(err)
		}
		return r, files(t, dir)
	}
	_, tree := compressed()
	siblings := 0
	for name, text := range tree {
		if packed, ok := tree[name+".gz"]; ok {
			siblings++
			z, err := gzip.NewReader(strings.NewReader(packed))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(z); err != nil || string(got) != text {
				t.Errorf("%s.gz is another text: %v", name, err)
			}
			if got, err := io.ReadAll(brotli.NewReader(strings.NewReader(tree[name+".br"]))); err != nil || string(got) != text {
				t.Errorf("%s.br is another text: %v", name, err)
			}
		} else if strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".atom") {
			t.Errorf("%s is not compressed", name)
		}
	}
	if siblings < 50 {
		t.Errorf("%d are compressed", siblings)
	}
	before := stats(t, dir)
	if r, _ := compressed(); r.Written != 0 || r.Removed != 0 {
		t.Errorf("nothing has changed: %+v", r)
	}
	for name, info := range stats(t, dir) {
		if !os.SameFile(info, before[name]) && name != listFile {
			t.Errorf("%s is another file", name)
		}
	}
	f.change("long", func(e *feeds.Entry) { e.Title, e.TitleHTML = "Another title", "" })
	if r, tree := compressed(); r.Written != 3*17 || tree["entry/long/index.html.gz"] == "" {
		t.Errorf("one has changed: %+v", r)
	}
	build(t, s, dir)
	if tree := files(t, dir); tree["index.html.gz"] != "" {
		t.Error("what is not written any more is still there")
	}
}
