package site

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// files is the tree below dir: names with slashes, and what is in them. A link
// is "-> target", a folder without files ends in a slash.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		switch {
		case d.IsDir():
			list, err := os.ReadDir(path)
			if len(list) == 0 {
				m[name+"/"] = ""
			}
			return err
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			m[name] = "-> " + to
			return err
		}
		b, err := os.ReadFile(path)
		m[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// beside fails the test if a build has left anything beside its folder.
func beside(t *testing.T, dir string, want ...string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	want = append(want, filepath.Base(dir))
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("beside the folder: %v, want %v", names, want)
	}
}

func build(t *testing.T, s *Site, dir string) BuildReport {
	t.Helper()
	r, err := s.Build(t.Context(), dir, BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestTheBuiltTreeIsWhatIsServed(t *testing.T) {
	for _, planet := range []string{"https://planet.example/", "https://planet.example/below/here/"} {
		s := newSite(t, newFake(), func(o *Options) { o.Planet.URL = planet })
		dir := filepath.Join(t.TempDir(), "out")
		r := build(t, s, dir)
		tree := files(t, dir)
		paths, err := s.Paths(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(paths) || len(paths) < 90 {
			t.Errorf("%d paths, sorted: %v", len(paths), slices.IsSorted(paths))
		}
		size := int64(len(tree[errorPage]))
		for _, p := range paths {
			answer := get(s, (&url.URL{Path: p}).EscapedPath())
			wantStatus(t, answer, 200)
			file := strings.TrimPrefix(p, "/")
			if strings.HasSuffix(p, "/") {
				file += "index.html"
			}
			if b := body(t, answer); b != tree[file] {
				t.Errorf("%s and %s differ", p, file)
			}
			size += int64(len(tree[file]))
			delete(tree, file)
		}
		if b := body(t, get(s, "/nowhere")); b != tree[errorPage] {
			t.Errorf("%s is not what is served for unknown addresses", errorPage)
		}
		size += int64(len(tree[searchPage]))
		if _, ok := tree[searchPage]; !ok {
			t.Error("nothing stands where people look for the search")
		}
		for _, name := range []string{errorPage, listFile, searchPage} {
			delete(tree, name)
		}
		if len(tree) > 0 {
			t.Errorf("nobody serves %v", slices.Collect(maps.Keys(tree)))
		}
		if want := (BuildReport{Files: len(paths) + 2, Written: len(paths) + 2, Bytes: size}); r != want {
			t.Errorf("report %+v, want %+v", r, want)
		}
		beside(t, dir)
	}
}

var hrefs = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

func TestEveryLinkOfTheTreeLeadsSomewhere(t *testing.T) {
	for _, base := range []string{"/", "/below/here/"} {
		planet := "https://planet.example" + base
		f := newFake()
		s := newSite(t, f, func(o *Options) { o.Planet.URL, o.About = planet, "<p>We.</p>" })
		dir := filepath.Join(t.TempDir(), "out")
		build(t, s, dir)
		broken, err := CheckLinks(dir, planet)
		if err != nil || broken != nil {
			t.Errorf("%v, %v", broken, err)
		}
		n := 0
		for name, page := range files(t, dir) {
			if !strings.HasSuffix(name, ".html") {
				continue
			}
			for _, link := range hrefs.FindAllStringSubmatch(page, -1) {
				n++
				local, ours := strings.CutPrefix(link[1], "https://planet.example")
				if (ours || strings.HasPrefix(link[1], "/")) && !strings.HasPrefix(local, base) {
					t.Errorf("%s: %s leads out of the planet", name, link[1])
				}
			}
		}
		if n < 1000 {
			t.Errorf("only %d links were looked at", n)
		}
		put(t, dir, "extra/index.html", `<a href="../entry/long/">a</a><a href="../entry/none/">b</a><a href="`+base+`feed.atom">c</a><a href="#x">d</a><a href="#y" id="x">e</a>
			<a href="https://elsewhere.example/none">f</a><a href="/outside">g</a><a href="/outside">g</a><img src="`+planet+`none.png"><a href="`+base+`search?q=x">h</a><a href="mailto:a@b.example">i</a>`)
		broken, err = CheckLinks(dir, planet)
		want := []string{"extra/index.html: ../entry/none/ leads nowhere", "extra/index.html: " + planet + "none.png leads nowhere", "extra/index.html: nothing on the page is called #y"}
		if base == "/" {
			want = append(want, "extra/index.html: /outside leads nowhere", "extra/index.html: /outside leads nowhere")
		}
		slices.Sort(want)
		if err != nil || !slices.Equal(broken, want) {
			t.Errorf("%q, %v", broken, err)
		}
	}
}

// stats are the files below dir with their times and identities.
func stats(t *testing.T, dir string) map[string]fs.FileInfo {
	t.Helper()
	m := map[string]fs.FileInfo{}
	for name := range files(t, dir) {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		m[name] = info
	}
	return m
}

func TestOneChangedEntryRewritesOnlyWhatShowsIt(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	dir := filepath.Join(t.TempDir(), "out")
	first := build(t, s, dir)
	before := stats(t, dir)
	if r, want := build(t, s, dir), (BuildReport{Files: first.Files, Unchanged: first.Files, Bytes: first.Bytes}); r != want {
		t.Errorf("nothing has changed: report %+v, want %+v", r, want)
	}
	f.change("long", func(e *feeds.Entry) { e.Title, e.TitleHTML = "Another title", "" })
	r := build(t, s, dir)
	want := []string{listFile, "category/gärten/", "entry/long/", "feed.", "index.html", "source/beet/", "titles/", "category/gärten/titles/", "archive/2026/03/"}
	for name, info := range stats(t, dir) {
		changed := slices.ContainsFunc(want, func(p string) bool { return strings.HasPrefix(name, p) }) && !strings.HasSuffix(name, "/"+opmlFile) && name != "source/beet/why/index.html"
		if same := os.SameFile(info, before[name]) && info.ModTime().Equal(before[name].ModTime()); same == changed {
			t.Errorf("%s: the same file: %v, changed: %v", name, same, changed)
		}
	}
	if r.Written != 17 || r.Unchanged != first.Files-17 || r.Removed != 0 {
		t.Errorf("report %+v", r)
	}
	f.remove("plain30")
	if r := build(t, s, dir); r.Removed != 1 || r.Files != first.Files-1 {
		t.Errorf("report %+v after one entry was removed", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "entry", "plain30")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the page of the removed entry, or its folder, is still there: %v", err)
	}
}

func TestFilesOfOthersAreKept(t *testing.T) {
	s := newSite(t, newFake())
	dir := filepath.Join(t.TempDir(), "out")
	build(t, s, dir)
	own := map[string]string{
		"CNAME": "planet.example\n", ".well-known/security.txt": "Contact: x", "category/chess/notes.txt": "mine", ".git/objects/ab/cdef": "x",
		"robots.txt": "User-agent: *\n", "latest": "-> index.html", "outside": "-> /etc/hostname", "drop/": "",
	}
	for name, content := range own {
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		} else if !strings.HasSuffix(name, "/") {
			put(t, dir, name, content)
		} else if err := os.Mkdir(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "CNAME"), long, long); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		build(t, s, dir)
		tree := files(t, dir)
		for name, content := range own {
			if got, ok := tree[name]; !ok || got != content {
				t.Errorf("%s: %q, there: %v", name, got, ok)
			}
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "CNAME")); err != nil || !info.ModTime().Equal(long) {
		t.Errorf("CNAME is not as it was: %v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "drop")); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("the folder is not as it was: %v, %v", info, err)
	}
	beside(t, dir)
}

func TestAFolderOfSomebodyElseIsRefused(t *testing.T) {
	s := newSite(t, newFake())
	root := t.TempDir()
	put(t, root, "home/letter.txt", "dear")
	put(t, root, "file", "x")
	put(t, root, "listdir/.orrery/x", "x")
	if err := errors.Join(os.Symlink("nowhere", filepath.Join(root, "dangling")), os.Symlink("file", filepath.Join(root, "tofile"))); err != nil {
		t.Fatal(err)
	}
	before := files(t, root)
	for dir, want := range map[string]string{
		filepath.Join(root, "home"):        "nothing was touched",
		filepath.Join(root, "listdir"):     "nothing was touched",
		filepath.Join(root, "file"):        "is a file",
		filepath.Join(root, "tofile"):      "is a file",
		filepath.Join(root, "dangling"):    "leads nowhere",
		filepath.Join(root, "no", "where"): "create it first",
		filepath.Join(root, "file", "x"):   "not a",
		string(filepath.Separator):         "root of the file system",
	} {
		_, err := s.Build(t.Context(), dir, BuildOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a sentence with %q", dir, err, want)
		}
	}
	if after := files(t, root); !maps.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
}

func TestALinkToTheFolderStaysALink(t *testing.T) {
	s := newSite(t, newFake())
	root := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "disk", "real"), 0o755), os.Symlink(filepath.Join("disk", "real"), filepath.Join(root, "www"))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		build(t, s, filepath.Join(root, "www"))
	}
	if to, err := os.Readlink(filepath.Join(root, "www")); err != nil || to != filepath.Join("disk", "real") {
		t.Errorf("the link leads to %q: %v", to, err)
	}
	if _, err := os.Stat(filepath.Join(root, "disk", "real", "index.html")); err != nil {
		t.Error(err)
	}
	beside(t, filepath.Join(root, "disk", "real"))
}

func TestALinkInTheFolderCannotLeadTheBuildOut(t *testing.T) {
	s := newSite(t, newFake())
	root := t.TempDir()
	dir := filepath.Join(root, "out")
	build(t, s, dir)
	put(t, root, "precious/x", "x")
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "category")), os.Symlink("../precious", filepath.Join(dir, "category"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Build(t.Context(), dir, BuildOptions{}); err == nil {
		t.Error("it was built through the link")
	}
	if got := files(t, filepath.Join(root, "precious")); len(got) != 1 {
		t.Errorf("files were written outside: %v", slices.Collect(maps.Keys(got)))
	}
	beside(t, dir, "precious")
}

func TestABuildThatFailsAnywhereLeavesTheOldTree(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	dir := filepath.Join(t.TempDir(), "out")
	build(t, s, dir)
	before := files(t, dir)
	f.change("long", func(e *feeds.Entry) { e.Title = "Never seen" })
	for k := 1; ; k++ {
		f.mu.Lock()
		f.failAt = f.calls["all"] + k
		f.mu.Unlock()
		if _, err := s.Build(t.Context(), dir, BuildOptions{}); err == nil {
			if k < 8 {
				t.Errorf("only %d calls could fail", k-1)
			}
			return
		} else if !errors.Is(err, errStore) {
			t.Fatal(err)
		}
		if !maps.Equal(files(t, dir), before) {
			t.Fatalf("the tree has changed after call %d failed", k)
		}
		beside(t, dir)
	}
}

func TestABuildThatIsGivenUpLeavesTheOldTree(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	dir := filepath.Join(t.TempDir(), "out")
	build(t, s, dir)
	before := files(t, dir)
	f.change("long", func(e *feeds.Entry) { e.Title = "Never seen" })
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Build(ctx, dir, BuildOptions{Progress: func(done, total int) {
		if done == 20 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || !maps.Equal(files(t, dir), before) {
		t.Errorf("error %v; the tree is the same: %v", err, maps.Equal(files(t, dir), before))
	}
	beside(t, dir)
}

func TestProgressEndsAtItsTotal(t *testing.T) {
	s := newSite(t, newFake())
	last, lastTotal := 0, 0
	r, err := s.Build(t.Context(), filepath.Join(t.TempDir(), "out"), BuildOptions{Progress: func(done, total int) {
		if done < last || done > total {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last, lastTotal = done, total
	}})
	if err != nil || last != r.Files || lastTotal != r.Files {
		t.Errorf("progress ended at %d of %d, %d files: %v", last, lastTotal, r.Files, err)
	}
}
