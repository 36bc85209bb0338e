package fetch

import (
	"context"
	"io/fs"
	"os"
	"testing"
)

// TestPostsOfAnUnreadableSubfolderStay stages the walk itself: a test that runs
// as root cannot make a folder it may not read.
func TestPostsOfAnUnreadableSubfolderStay(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a"))
	b.write("sub/b.md", titled("b"))
	before := listingDecode(b.visit().Validators.Listing)
	b.remove("sub")
	root, err := os.OpenRoot(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	walk := folderWalk{root: root}
	if err := walk.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	walk.fail("sub", &fs.PathError{Op: "open", Path: "sub", Err: fs.ErrPermission})
	reader, err := newPostReader(b.source, nil)
	if err != nil {
		t.Fatal(err)
	}
	visit := folderVisit{now: b.now, root: root, reader: reader, walk: &walk, before: before}
	if err := visit.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	r, err := visit.response(b.source, b.memory)
	if err != nil || !r.NotModified || len(r.Withdrawn) != 0 {
		t.Errorf("withdrawn %q, %v", r.Withdrawn, err)
	}
	if len(r.Problems) != 1 || r.Problems[0] != "sub: the folder cannot be read (permission denied); its posts stay as they were" {
		t.Errorf("problems %q", r.Problems)
	}
}

// TestAFileThatCannotBeReadIsTriedAgain: what the disk refuses today says
// nothing about the post.
func TestAFileThatCannotBeReadIsTriedAgain(t *testing.T) {
	b := newFolderBench(t)
	b.write("a.md", titled("a"))
	info, err := os.Stat(b.dir + "/a.md")
	if err != nil {
		t.Fatal(err)
	}
	b.remove("a.md")
	root, err := os.OpenRoot(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	visit := folderVisit{now: b.now, root: root}
	f := visit.read("a.md", info, &listingFile{Path: "a.md", GUID: "https://example.org/a/"})
	if !f.Again || f.GUID == "" || f.Problem != "a.md: the file cannot be opened (no such file or directory); check who may read it" {
		t.Errorf("%+v", f)
	}
}
