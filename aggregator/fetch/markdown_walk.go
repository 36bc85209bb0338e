package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a folder (hostile.md, Bounds).
const (
	folderFiles   = 10_000  // posts
	folderEntries = 200_000 // names of any kind
	folderDepth   = 32      // folders within folders
)

// A folderFile is a post as the walk found it.
type folderFile struct {
	path string // within the folder, with slashes
	info fs.FileInfo
}

// A folderWalk lists the posts of a folder. Each subfolder is opened as a root
// of its own, so that a file costs one stat and no link leads out.
type folderWalk struct {
	root     *os.Root // the top
	files    []folderFile
	problems []string
	unread   []string // subfolders that could not be listed: what was in them stays
	entries  int
	stats    int
}

// folderBound is the error of a folder beyond a bound.
type folderBound struct{ what string }

func (e *folderBound) Error() string {
	return "the folder holds more than " + e.what + "; split it into several sources"
}

// run walks everything, files ordered by path.
func (w *folderWalk) run(ctx context.Context) error {
	if err := w.dir(ctx, w.root, ".", 0); err != nil {
		return err
	}
	slices.SortFunc(w.files, func(a, b folderFile) int { return strings.Compare(a.path, b.path) })
	return nil
}

func (w *folderWalk) dir(ctx context.Context, dir *os.Root, name string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := w.list(dir)
	if err != nil {
		return err
	}
	bundle := depth > 0 && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return folderIsIndex(e.Name()) })
	for _, e := range entries {
		file := path.Join(name, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			// In a page bundle everything but the index is a part of that page.
			if !bundle {
				err = w.sub(ctx, dir, e.Name(), file, depth)
			}
		case folderIsPost(e.Name()) && (!bundle || folderIsIndex(e.Name())):
			err = w.file(e, file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list reads the names of a folder, in batches so that the bound holds.
func (w *folderWalk) list(dir *os.Root) ([]fs.DirEntry, error) {
	const batch = 4096
	f, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []fs.DirEntry
	for {
		entries, err := f.ReadDir(batch)
		all = append(all, entries...)
		if w.entries += len(entries); w.entries > folderEntries {
			return nil, &folderBound{fmt.Sprintf("%d files of all kinds", folderEntries)}
		}
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// sub walks a subfolder. One that cannot be read is a problem, not a deletion.
func (w *folderWalk) sub(ctx context.Context, dir *os.Root, base, name string, depth int) error {
	if depth+1 > folderDepth {
		w.fail(name, fmt.Errorf("folders are nested more than %d deep", folderDepth))
		return nil
	}
	sub, err := dir.OpenRoot(base)
	if err == nil {
		defer sub.Close()
		err = w.dir(ctx, sub, name, depth+1)
	}
	var bound *folderBound
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist): // deleted while we looked
		return nil
	case errors.As(err, &bound), ctx.Err() != nil:
		return err
	}
	w.fail(name, err)
	return nil
}

func (w *folderWalk) fail(name string, err error) {
	w.unread = append(w.unread, name+"/")
	w.problems = append(w.problems, fmt.Sprintf("%s: the folder cannot be read (%v); its posts stay as they were", name, folderCause(err)))
}

// file takes down one post: a regular file, or a link to one within the folder.
func (w *folderWalk) file(e fs.DirEntry, name string) error {
	if !utf8.ValidString(name) {
		w.problems = append(w.problems, fmt.Sprintf("%q: the file name is not UTF-8; rename it", name))
		return nil
	}
	var info fs.FileInfo
	var err error
	w.stats++
	if e.Type()&fs.ModeSymlink != 0 {
		if info, err = w.root.Stat(name); err != nil {
			w.problems = append(w.problems, name+": the link leads nowhere or out of the folder; put the file itself there")
			return nil
		}
	} else if info, err = e.Info(); err != nil { // known since ReadDir, which must stat in an os.Root
		return nil // deleted while we looked
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	if len(w.files) == folderFiles {
		return &folderBound{fmt.Sprintf("%d posts", folderFiles)}
	}
	w.files = append(w.files, folderFile{path: name, info: info})
	return nil
}

// folderIsPost says that a file name is a post's. _index.md describes a section.
func folderIsPost(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown":
		return postNameOf(name).base != "_index"
	}
	return false
}

// folderIsIndex says that a file name makes its folder a page bundle.
func folderIsIndex(name string) bool {
	return folderIsPost(name) && postNameOf(name).base == "index"
}

// folderCause is why err happened, without the path, which the sentence has.
func folderCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
