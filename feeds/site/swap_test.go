package site

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestWhatAKilledBuildLeftIsRemoved(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("without locks nothing is judged to be abandoned")
		return
	}
	s := newSite(t, newFake())
	root := t.TempDir()
	dir := filepath.Join(root, "out")
	put(t, root, "out.new-0123456789abcdef/.orrery", "")
	put(t, root, "out.new-0123456789abcdef/entry/half/index.html", "<p>half")
	put(t, root, "out.new-fedcba9876543210/no list", "not from a build")
	put(t, root, "out.new-thing/.orrery", "another name")
	put(t, root, "other.new-0123456789abcdef/.orrery", "of another folder")
	running, err := openTree(dir) // a build that is at work now
	if err != nil {
		t.Fatal(err)
	}
	build(t, s, dir)
	beside(t, dir, "out.new-fedcba9876543210", "out.new-thing", "other.new-0123456789abcdef", running.temp)
	running.close()
	beside(t, dir, "out.new-fedcba9876543210", "out.new-thing", "other.new-0123456789abcdef")
}

// halfBuilt is a tree over a built dir with one file of its own in it.
func halfBuilt(t *testing.T, dir string) *tree {
	t.Helper()
	tr, err := openTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.close)
	if _, err := tr.write("index.html", []byte("new")); err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestWithoutAnExchangeTheSwapTakesTwoSteps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	build(t, newSite(t, newFake()), dir)
	put(t, dir, "CNAME", "x")
	tr := halfBuilt(t, dir)
	if err := tr.swapInTwo(); err != nil {
		t.Fatal(err)
	}
	tr.swapped = true
	if got := files(t, dir); got["index.html"] != "new" || got["CNAME"] != "x" {
		t.Errorf("index.html is %.20q, CNAME %q", got["index.html"], got["CNAME"])
	}
	beside(t, dir, tr.temp)
}

func TestASwapThatFailsHalfwayIsTakenBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	build(t, newSite(t, newFake()), dir)
	before := files(t, dir)
	tr := halfBuilt(t, dir)
	if err := os.Rename(filepath.Join(filepath.Dir(dir), tr.temp), filepath.Join(filepath.Dir(dir), "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if tr.swapInTwo() == nil {
		t.Error("no error")
	}
	if !maps.Equal(files(t, dir), before) {
		t.Error("the old tree is not back")
	}
}

func TestATreeTakenAsideByAKilledBuildComesBack(t *testing.T) {
	f := newFake()
	root := t.TempDir()
	dir := filepath.Join(root, "out")
	build(t, newSite(t, f), dir)
	put(t, dir, "CNAME", "x")
	if err := os.Rename(dir, filepath.Join(root, "out.old-0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	r := build(t, newSite(t, f), dir)
	if r.Written != 0 || files(t, dir)["CNAME"] != "x" {
		t.Errorf("report %+v, CNAME %q", r, files(t, dir)["CNAME"])
	}
	beside(t, dir)
}

func TestAFileAddedWhileBuildingIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	s := newSite(t, newFake())
	build(t, s, dir)
	added := false
	_, err := s.Build(t.Context(), dir, BuildOptions{Progress: func(int, int) {
		if !added {
			added = true
			put(t, dir, ".well-known/acme-challenge/token", "secret")
		}
	}})
	if err != nil || files(t, dir)[".well-known/acme-challenge/token"] != "secret" {
		t.Errorf("the file is lost: %v", err)
	}
}

func TestACopyKeepsTimesWhereThereAreNoSecondNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	build(t, newSite(t, newFake()), dir)
	tr := halfBuilt(t, dir)
	if err := tr.copy("opml.xml"); err != nil {
		t.Fatal(err)
	}
	was, err := os.Stat(filepath.Join(dir, "opml.xml"))
	if err != nil {
		t.Fatal(err)
	}
	is, err := tr.fresh.Stat("opml.xml")
	if err != nil || !is.ModTime().Equal(was.ModTime()) || is.Mode() != was.Mode() || is.Size() != was.Size() {
		t.Errorf("%v and %v: %v", was, is, err)
	}
}
