package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"orrery/feeds"
)

// Folder reads folders of Markdown posts (markdown.md). A folder is a source
// like any other, except that its owner decides: a deleted file withdraws its
// entry. The zero Folder is ready; it may be used for many sources at once.
type Folder struct {
	// Now is the clock that decides what is due, expired and racily clean; nil: time.Now.
	Now func() time.Time
	// Zone is the zone of dates that name none; nil: UTC.
	Zone *time.Location

	work func(folderWork) // told to tests after every Fetch
}

// folderWork is what a visit cost.
type folderWork struct{ stats, parses int }

// A folderError says what is wrong with the folder as a whole.
type folderError struct {
	text string
	err  error
}

func (e *folderError) Error() string { return e.text }
func (e *folderError) Unwrap() error { return e.err }

// Fetch looks at the folder s.URL, a file: address. It stats every post and
// reads those that are new or changed since v.Listing was made. An error means
// that nothing is known of any post, so nothing is withdrawn; trouble with a
// single post is a Problem, told at every visit while it lasts, and the entry
// of that post stays as it was.
func (f *Folder) Fetch(ctx context.Context, s feeds.Source, v feeds.Validators) (Response, error) {
	dir, err := folderPath(s.URL)
	if err != nil {
		return Response{}, err
	}
	reader, err := newPostReader(s, f.Zone)
	if err != nil {
		return Response{}, fmt.Errorf("the folder %s: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Response{}, folderOpenError(dir, err)
	}
	defer root.Close()
	walk := folderWalk{root: root}
	if err := walk.run(ctx); err != nil {
		return Response{}, folderReadError(dir, err)
	}
	visit := folderVisit{
		now: f.now(), root: root, reader: reader, walk: &walk, before: listingDecode(v.Listing),
	}
	if err := visit.run(ctx); err != nil {
		return Response{}, err
	}
	if f.work != nil {
		f.work(folderWork{stats: walk.stats, parses: visit.parses})
	}
	return visit.response(s, v)
}

// ReadPost reads one post. name is its path within the folder of s, with
// slashes: language, section and date may come from it. A post that is complete
// but not to be shown now comes with an error that is ErrNotPublished.
func (f *Folder) ReadPost(name string, data []byte, s feeds.Source) (feeds.Entry, error) {
	reader, err := newPostReader(s, f.Zone)
	if err != nil {
		return feeds.Entry{}, err
	}
	p, err := reader.read(name, data)
	if err != nil {
		return feeds.Entry{}, errors.New(folderProblem(name, err))
	}
	_, err = p.state(f.now())
	return p.entry, err
}

func (f *Folder) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}

func folderPath(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "file" || !path.IsAbs(u.Path) {
		return "", fmt.Errorf("%q is not the address of a folder; it must be file: and an absolute path", address)
	}
	return u.Path, nil
}

func folderOpenError(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &folderError{"the folder " + dir + " does not exist; create it or correct its path in the configuration", err}
	}
	return folderReadError(dir, err)
}

func folderReadError(dir string, err error) error {
	var bound *folderBound
	switch {
	case errors.As(err, &bound):
		return &folderError{dir + ": " + bound.Error(), err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return &folderError{fmt.Sprintf("the folder %s cannot be read (%v); check that it is a folder and who may read it", dir, folderCause(err)), err}
}

// folderProblem is the sentence about one post.
func folderProblem(name string, err error) string {
	var p *postError
	if errors.As(err, &p) {
		return p.sentence(name)
	}
	return name + ": " + err.Error()
}

// A folderVisit compares a walk with the listing of the visit before.
type folderVisit struct {
	now    time.Time
	root   *os.Root
	reader *postReader
	walk   *folderWalk
	before listing

	after    listing
	entries  map[string]feeds.Entry // read at this visit, by path
	problems []string
	parses   int
	refs     map[string]string   // addresses found for ref, by path
	stems    map[string][]string // paths by what a ref may call them, made when first needed
}

func (v *folderVisit) run(ctx context.Context) error {
	v.after.Reader = v.reader.fingerprint()
	v.entries = map[string]feeds.Entry{}
	v.refs = map[string]string{}
	v.reader.address = v.address
	same := v.before.Reader == v.after.Reader
	known := v.before.byPath()
	for _, f := range v.walk.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		old := known[f.path]
		if old != nil && same && old.unchanged(f.info, v.now) {
			v.after.Files = append(v.after.Files, *old)
			continue
		}
		v.after.Files = append(v.after.Files, v.read(f.path, f.info, old))
	}
	v.keepUnread()
	v.settle()
	return nil
}

// keepUnread carries over what lies in subfolders that could not be listed.
func (v *folderVisit) keepUnread() {
	if len(v.walk.unread) == 0 {
		return
	}
	for _, old := range v.before.Files {
		if slices.ContainsFunc(v.walk.unread, func(dir string) bool { return strings.HasPrefix(old.Path, dir) }) {
			v.after.Files = append(v.after.Files, old)
		}
	}
	slices.SortFunc(v.after.Files, func(a, b listingFile) int { return strings.Compare(a.Path, b.Path) })
}

// read parses one file. When it cannot, the GUID it had before stays: trouble
// is no deletion.
func (v *folderVisit) read(name string, info fs.FileInfo, old *listingFile) listingFile {
	f := listingFile{Path: name}
	if old != nil {
		f.GUID, f.Shadowed = old.GUID, old.Shadowed
	}
	v.parses++
	p, opened, err := v.open(name)
	if opened != nil {
		info = opened // of the very file that was read
	}
	f.stat(info, v.now)
	if err != nil {
		f.Problem = folderProblem(name, err)
		// The text decides a postError; anything else may pass by itself.
		var post *postError
		f.Again = f.Again || !errors.As(err, &post)
		return f
	}
	wake, hidden := p.state(v.now)
	if !wake.IsZero() {
		f.Wake = wake.UnixNano()
	}
	f.GUID = ""
	if hidden == nil {
		f.GUID = p.entry.GUID
		v.entries[name] = p.entry
	}
	return f
}

// open reads and parses the file called name; info is nil when it cannot be opened.
func (v *folderVisit) open(name string) (*post, fs.FileInfo, error) {
	// Not blocking: a pipe that took the file's place would be waited for.
	f, err := v.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("the file cannot be opened (%w); check who may read it", folderCause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil, errors.New("the file is not a regular file any more; put a file there")
	}
	data, err := io.ReadAll(io.LimitReader(f, postMax+1))
	if err != nil {
		return nil, info, fmt.Errorf("the file cannot be read (%w); check the disk", folderCause(err))
	}
	p, err := v.reader.read(name, data)
	return p, info, err
}

// settle gives every GUID to the first file by path that has it, and reads the
// files that come into their own because the one before them is gone.
func (v *folderVisit) settle() {
	owner := map[string]string{}
	v.problems = append(v.problems, v.walk.problems...)
	for i := range v.after.Files {
		f := &v.after.Files[i]
		if f.Problem != "" {
			v.problems = append(v.problems, f.Problem)
		}
		if f.GUID == "" {
			f.Shadowed = false
			continue
		}
		if first := owner[f.GUID]; first != "" {
			f.Shadowed = true
			delete(v.entries, f.Path)
			v.problems = append(v.problems, fmt.Sprintf("%s: it has the same address as %s, %s, and is left out; give it another title, date or slug", f.Path, first, f.GUID))
			continue
		}
		owner[f.GUID] = f.Path
		if _, read := v.entries[f.Path]; f.Shadowed && !read && f.Problem == "" {
			if p, _, err := v.open(f.Path); err == nil {
				v.parses++
				v.entries[f.Path] = p.entry
			} else {
				f.Again = true
			}
		}
		f.Shadowed = false
	}
}

// folderFull is how many posts a folder must have had not to be believed that it has none.
const folderFull = 10

var errEmptied = errors.New("the folder is empty")

// response tells what changed. A deleted file withdraws its post, since the owner of a
// folder decides (markdown.md 8); but many posts that are gone all at once, with nothing
// left, are taken for a disk that is not there.
func (v *folderVisit) response(s feeds.Source, before feeds.Validators) (Response, error) {
	if had := len(v.before.published()); len(v.after.Files) == 0 && had >= folderFull {
		return Response{}, fmt.Errorf("%w: it had %d posts and has none, as when its disk is not there; they stay until it has some again; "+
			"to take them all back leave one file for a visit, and then delete it", errEmptied, had)
	}
	data, etag, err := v.after.encode()
	if err != nil {
		return Response{}, fmt.Errorf("the folder %s: %w", s.URL, err)
	}
	if len(v.entries) == 0 && before.URL == s.URL && before.ETag == etag {
		return Response{NotModified: true, URL: s.URL, Problems: v.problems, Validators: before}, nil
	}
	feed := &feeds.Feed{Format: "markdown", Title: s.Title, Link: s.Site, Language: s.Language}
	for _, f := range v.after.Files {
		if e, ok := v.entries[f.Path]; ok {
			feed.Entries = append(feed.Entries, e)
		}
	}
	var withdrawn []string
	now := v.after.published()
	for guid := range v.before.published() {
		if !now[guid] {
			withdrawn = append(withdrawn, guid)
		}
	}
	slices.Sort(withdrawn)
	return Response{
		URL: s.URL, Feed: feed, Withdrawn: withdrawn, Problems: v.problems,
		Validators: feeds.Validators{URL: s.URL, ETag: etag, Listing: data},
	}, nil
}

// address finds the post that a ref in the file called from means: by its path
// from the top, from beside it, else by its name alone if only one has it.
func (v *folderVisit) address(from, target string) string {
	if v.stems == nil {
		v.stems = map[string][]string{}
		for _, f := range v.walk.files {
			stem := path.Base(folderStem(f.path))
			v.stems[stem] = append(v.stems[stem], f.path)
		}
	}
	want := folderStem(strings.TrimPrefix(target, "/"))
	beside := folderStem(path.Join(path.Dir(from), target))
	named := v.stems[path.Base(want)]
	for _, name := range named {
		if stem := folderStem(name); name != from && (stem == want || stem == beside && target[0] != '/') {
			return v.addressOf(name)
		}
	}
	named = slices.DeleteFunc(slices.Clone(named), func(name string) bool {
		return name == from || !strings.HasSuffix("/"+want, "/"+folderStem(name)) && !strings.HasSuffix("/"+folderStem(name), "/"+want)
	})
	if len(named) != 1 {
		return ""
	}
	return v.addressOf(named[0])
}

// folderStem is what a post is called by others: its path without .md, of a page
// bundle its folder.
func folderStem(name string) string {
	if folderIsPost(name) {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	return strings.TrimSuffix(path.Clean(name), "/index")
}

// addressOf reads another post for its address alone. Its own refs are not
// followed, so that two posts may mention each other.
func (v *folderVisit) addressOf(name string) string {
	if a, ok := v.refs[name]; ok {
		return a
	}
	v.refs[name] = ""
	follow := v.reader.address
	v.reader.address = nil
	defer func() { v.reader.address = follow }()
	if p, _, err := v.open(name); err == nil {
		v.refs[name] = p.entry.GUID
	}
	return v.refs[name]
}
