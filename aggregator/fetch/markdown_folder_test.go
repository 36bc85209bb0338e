package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/feedstest"
)

// folderBench is a folder with a clock and a memory between visits.
type folderBench struct {
	t      testing.TB
	dir    string
	folder Folder
	source feeds.Source
	now    time.Time
	memory feeds.Validators
	work   folderWork
}

func newFolderBench(t testing.TB) *folderBench {
	b := &folderBench{t: t, dir: t.TempDir(), now: time.Date(2024, 8, 5, 12, 0, 0, 0, time.UTC)}
	b.folder = Folder{Now: func() time.Time { return b.now }, work: func(w folderWork) { b.work = w }}
	b.source = feeds.Source{URL: "file://" + b.dir, Site: "https://example.org/", Permalink: "/:title/", Title: "Ours"}
	return b
}

// write puts a post there an hour ago, so that it is not racily clean; each
// further write is a second younger.
func (b *folderBench) write(name, text string) {
	b.t.Helper()
	file := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.t.Fatal(err)
	}
	when := b.now.Add(-time.Hour)
	if info, err := os.Stat(file); err == nil {
		when = info.ModTime().Add(time.Second)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.touch(name, when)
}

func (b *folderBench) touch(name string, when time.Time) {
	b.t.Helper()
	if err := os.Chtimes(filepath.Join(b.dir, name), when, when); err != nil {
		b.t.Fatal(err)
	}
}

func (b *folderBench) remove(name string) {
	b.t.Helper()
	if err := os.RemoveAll(filepath.Join(b.dir, name)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *folderBench) rename(from, to string) {
	b.t.Helper()
	if err := os.Rename(filepath.Join(b.dir, from), filepath.Join(b.dir, to)); err != nil {
		b.t.Fatal(err)
	}
}

// visit looks at the folder and remembers what it saw.
func (b *folderBench) visit() Response {
	b.t.Helper()
	r, err := b.folder.Fetch(context.Background(), b.source, b.memory)
	if err != nil {
		b.t.Fatal(err)
	}
	if r.NotModified != (r.Feed == nil) || r.Validators.URL != b.source.URL || r.Validators.ETag == "" {
		b.t.Fatalf("not modified %t, feed %v, validators of %q", r.NotModified, r.Feed, r.Validators.URL)
	}
	b.memory = r.Validators
	return r
}

// want visits and compares: the names of the entries read, those withdrawn, the
// files parsed, and a part of every problem.
func (b *folderBench) want(step string, read, withdrawn []string, parses int, problems ...string) {
	b.t.Helper()
	r := b.visit()
	var got []string
	if r.Feed != nil {
		for _, e := range r.Feed.Entries {
			got = append(got, folderName(e.GUID))
		}
	}
	var gone []string
	for _, guid := range r.Withdrawn {
		gone = append(gone, folderName(guid))
	}
	if !slices.Equal(got, read) || !slices.Equal(gone, withdrawn) || b.work.parses != parses {
		b.t.Errorf("%s: read %q, withdrawn %q, %d parses; want %q, %q, %d", step, got, gone, b.work.parses, read, withdrawn, parses)
	}
	if r.NotModified != (len(read)+len(withdrawn)+parses == 0) {
		b.t.Errorf("%s: not modified is %t", step, r.NotModified)
	}
	if len(r.Problems) != len(problems) {
		b.t.Errorf("%s: problems %q, want %q", step, r.Problems, problems)
		return
	}
	for i, p := range problems {
		if !strings.Contains(r.Problems[i], p) {
			b.t.Errorf("%s: the problem %q, want %q", step, r.Problems[i], p)
		}
	}
}

func folderName(guid string) string {
	return strings.Trim(strings.TrimPrefix(guid, "https://example.org/"), "/")
}

func titled(title string) string { return "---\ntitle: " + title + "\n---\nText of " + title + ".\n" }

func TestUnchangedFilesAreNotRead(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a"))
	b.write("sub/b.markdown", titled("b"))
	b.want("first", []string{"a", "b"}, nil, 2)
	b.want("again", nil, nil, 0)
	b.write("a.md", titled("a")+"More.\n")
	b.want("one edited", []string{"a"}, nil, 1)
	b.touch("a.md", b.now.Add(-time.Minute))
	b.want("one touched", []string{"a"}, nil, 1)
	if b.work.stats != 2 {
		t.Errorf("%d stats for two files", b.work.stats)
	}
	b.want("at rest", nil, nil, 0)
}

func TestDeletedDraftedAndRetitledPostsAreWithdrawn(t *testing.T) {
	b := newFolderBench(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		b.write(name+".md", titled(name))
	}
	b.want("first", []string{"a", "b", "c", "d"}, nil, 4)
	b.remove("a.md")
	b.write("b.md", "---\ntitle: b\ndraft: true\n---\n")
	b.write("c.md", titled("see"))
	b.want("changes", []string{"see"}, []string{"a", "b", "c"}, 2)
	b.write("b.md", titled("b"))
	b.want("no draft any more", []string{"b"}, nil, 1)
	for _, name := range []string{"b.md", "c.md", "d.md"} {
		b.remove(name)
	}
	b.want("all deleted", nil, []string{"b", "d", "see"}, 0)
}

func TestARenamedFileWithTheSameAddressIsTheSameEntry(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a"))
	b.want("first", []string{"a"}, nil, 1)
	b.rename("a.md", "z.md")
	b.want("renamed", []string{"a"}, nil, 1)
	b.want("at rest", nil, nil, 0)
}

func TestAPostAppearsAndExpiresWhenItIsDue(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", "---\ntitle: a\ndate: 2024-08-06\nexpiryDate: 2024-08-07\n---\n")
	b.want("too early", nil, nil, 1)
	b.want("still too early", nil, nil, 0)
	b.now = b.now.Add(24 * time.Hour)
	b.want("due", []string{"a"}, nil, 1)
	b.want("shown", nil, nil, 0)
	b.now = b.now.Add(24 * time.Hour)
	b.want("expired", nil, []string{"a"}, 1)
	b.want("gone", nil, nil, 0)
}

func TestAFileWrittenJustNowIsReadAgain(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a"))
	b.touch("a.md", b.now.Add(-time.Second))
	b.want("first", []string{"a"}, nil, 1)
	b.now = b.now.Add(time.Minute)
	b.want("racily clean", []string{"a"}, nil, 1)
	b.want("clean", nil, nil, 0)
}

func TestBrokenFrontMatterSkipsOnlyThatPost(t *testing.T) {
	b := newFolderBench(t)
	broken := "---\ntitle: b\ndate: 2024-02-30\n---\n"
	b.write("a.md", titled("a"))
	b.write("news/b.md", broken)
	const problem = `news/b.md:3: date: "2024-02-30" is not a date`
	b.want("first", []string{"a"}, nil, 2, problem)
	b.want("told again", nil, nil, 0, problem)
	b.write("news/b.md", titled("b"))
	b.want("mended", []string{"b"}, nil, 1)
	b.write("news/b.md", broken)
	b.want("broken again: the entry stays", nil, nil, 1, problem)
	b.want("and stays", nil, nil, 0, problem)
	b.remove("news/b.md")
	b.want("deleted while broken", nil, []string{"b"}, 0)
}

func TestTheSecondPostWithAnAddressIsLeftOut(t *testing.T) {
	b := newFolderBench(t)
	b.write("b.md", titled("same")+"b\n")
	b.write("c.md", titled("same")+"c\n")
	const problem = "c.md: it has the same address as b.md, https://example.org/same/, and is left out"
	b.want("two", []string{"same"}, nil, 2, problem)
	b.want("told again", nil, nil, 0, problem)
	b.write("a.md", titled("same")+"a\n")
	b.want("a third before them", []string{"same"}, nil, 1, "b.md: it has the same address as a.md", "c.md: it has the same address as a.md")
	b.remove("a.md")
	b.want("gone: the second takes its place", []string{"same"}, nil, 1, problem)
	b.remove("b.md")
	b.want("the last one", []string{"same"}, nil, 1)
	if r := b.visit(); !r.NotModified || len(r.Problems) != 0 {
		t.Errorf("at rest: %+v", r)
	}
}

func TestAMissingFolderWithdrawsNothing(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a"))
	b.visit()
	b.remove("")
	r, err := b.folder.Fetch(context.Background(), b.source, b.memory)
	if err == nil || !strings.HasPrefix(err.Error(), "the folder "+b.dir+" does not exist; ") || !errors.Is(err, fs.ErrNotExist) || r.Withdrawn != nil {
		t.Errorf("%v, %q", err, r.Withdrawn)
	}
	if err := os.WriteFile(b.dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err = b.folder.Fetch(context.Background(), b.source, b.memory); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a file for a folder: %v", err)
	}
}

func TestWhatIsNoPostIsNotRead(t *testing.T) {
	b := newFolderBench(t)
	outside := filepath.Join(t.TempDir(), "out.md")
	if err := os.WriteFile(outside, []byte(titled("out")), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"_index.md", "news/_index.de.md", ".hidden.md", ".git/x.md", "x.txt", "README", "trip/notes.md", "trip/more/x.md"} {
		b.write(name, titled("no"))
	}
	b.write("trip/index.md", titled("trip"))
	b.write("folder.md/a.MD", titled("a"))
	for link, target := range map[string]string{"out.md": outside, "dangling.md": "nowhere.md", "up.md": "../up.md", "within.md": "folder.md/a.MD", "loop": "."} {
		if err := os.Symlink(target, filepath.Join(b.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	const leads = "the link leads nowhere or out of the folder"
	r := b.visit()
	var got []string
	for _, e := range r.Feed.Entries {
		got = append(got, folderName(e.GUID))
	}
	if !slices.Equal(got, []string{"a", "trip"}) {
		t.Errorf("read %q", got)
	}
	problems := strings.Join(r.Problems, "\n")
	for _, want := range []string{"out.md: " + leads, "dangling.md: " + leads, "up.md: " + leads, "within.md: it has the same address as folder.md/a.MD"} {
		if !strings.Contains(problems, want) {
			t.Errorf("no problem %q in\n%s", want, problems)
		}
	}
	if len(r.Problems) != 4 {
		t.Errorf("problems\n%s", problems)
	}
}

func TestAnOtherPatternReadsEverythingAnew(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("title"))
	b.want("first", []string{"title"}, nil, 1)
	b.source.Permalink = "/:filename/"
	b.want("another pattern", []string{"a"}, []string{"title"}, 1)
	b.source.Language = "de"
	b.want("another language", []string{"a"}, nil, 1)
	b.memory.Listing = []byte("nonsense")
	b.want("a broken listing", []string{"a"}, nil, 1)
}

func TestRefsFindTheAddressOfTheirPost(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a")+`[1]({{< ref "news/other.md#x" >}}) [2]({{< relref "other" >}}) [3]({{< ref "/blog/news/other" >}}) [4]({{< ref "nobody.md" >}})`)
	b.write("news/other.md", titled("Their title")+`[back]({{< ref "../a.md" >}})`)
	r := b.visit()
	content := r.Feed.Entries[0].Content
	for _, want := range []string{"/their-title/#x\">1", "/their-title/\">2", "/their-title/\">3", "/nobody/\">4"} {
		if !strings.Contains(content, `href="https://example.org`+want) {
			t.Errorf("no %s in %s", want, content)
		}
	}
	if back := r.Feed.Entries[1].Content; !strings.Contains(back, `href="https://example.org/a/"`) {
		t.Error(back)
	}
}

func TestTooManyFilesAreRefusedAsAWhole(t *testing.T) {
	b := newFolderBench(t)
	for i := range folderFiles + 1 {
		if err := os.WriteFile(filepath.Join(b.dir, fmt.Sprintf("%d.md", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.folder.Fetch(context.Background(), b.source, feeds.Validators{})
	if err == nil || !strings.Contains(err.Error(), "holds more than 10000 posts; split it") {
		t.Error(err)
	}
}

func TestFoldersNestedTooDeepAreAProblem(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a"))
	b.write(strings.Repeat("d/", folderDepth+1)+"b.md", titled("b"))
	b.want("first", []string{"a"}, nil, 1, "folders are nested more than 32 deep")
}

func TestACancelledVisitIsAnError(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.folder.Fetch(ctx, b.source, b.memory); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAddressesThatAreNoFolderAreRefused(t *testing.T) {
	for _, s := range []feeds.Source{
		{URL: "https://example.org/"}, {URL: "file:relative"}, {URL: "file:///", Site: "ftp://x/"}, {URL: "file:///", Permalink: "/:what/"},
	} {
		if _, err := (&Folder{}).Fetch(context.Background(), s, feeds.Validators{}); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}

// realFolder is a copy of the real posts, an hour old.
func realFolder(t testing.TB) *folderBench {
	b := newFolderBench(t)
	b.now = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	b.source.Permalink = "/:year/:month/:title/"
	if err := os.CopyFS(b.dir, os.DirFS(feedstest.Data(t, "xmpp.org/content/blog"))); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(b.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return errors.Join(os.Chmod(name, 0o644), os.Chtimes(name, time.Time{}, b.now.Add(-time.Hour)))
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRealPostsCostAStatEachWhenNothingChanged(t *testing.T) {
	b := realFolder(t)
	if r := b.visit(); len(r.Feed.Entries) != 416 || b.work != (folderWork{416, 416}) {
		t.Fatalf("%d entries, %+v", len(r.Feed.Entries), b.work)
	}
	if r := b.visit(); !r.NotModified || b.work != (folderWork{416, 0}) {
		t.Errorf("nothing changed: %t, %+v", r.NotModified, b.work)
	}
	b.touch("brussels-report.md", b.now.Add(-time.Minute))
	if r := b.visit(); r.NotModified || len(r.Feed.Entries) != 1 || r.Feed.Entries[0].Title != "Brussels Report" || b.work != (folderWork{416, 1}) {
		t.Errorf("one touched: %+v", b.work)
	}
}

func BenchmarkFolderCold(b *testing.B) {
	f := realFolder(b)
	for b.Loop() {
		f.memory = feeds.Validators{}
		f.visit()
	}
}

func BenchmarkFolderWarm(b *testing.B) {
	f := realFolder(b)
	f.visit()
	for b.Loop() {
		if !f.visit().NotModified {
			b.Fatal("something changed")
		}
	}
}
