package site

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// listFile lies at the root of a tree and names every file that we wrote there:
// what is not in it belongs to somebody else. While a tree is being built the
// builder holds a lock on it.
const listFile = ".orrery"

const listHead = "# The files that orrery build wrote. It replaces these and keeps all others."

// Names beside the target: <target>.new-<hex> is being built, <target>.old-<hex>
// was just replaced.
const (
	newMark = ".new-"
	oldMark = ".old-"
)

// tree is a build in progress. Files are reached through os.Root, so that a
// link somebody put into the target cannot make us write elsewhere.
type tree struct {
	parent *os.Root // the folder that holds target and fresh
	target string   // name of the folder to replace
	temp   string   // name of the new one; after the swap, of the replaced one
	fresh  *os.Root // the new folder
	old    *os.Root // the target as it was, nil if there is none
	list   *os.File // listFile of fresh, locked

	ours    map[string]bool // files of the last build
	dirs    map[string]bool // folders that hold them
	files   []string        // of this build
	report  BuildReport
	swapped bool
	mu      sync.Mutex // guards files and report
}

// openTree checks dir, removes what a killed build left, and makes a new folder
// with all that is not ours in dir.
func openTree(dir string) (_ *tree, err error) {
	dir, err = resolve(dir)
	if err != nil {
		return nil, err
	}
	t := &tree{target: filepath.Base(dir), ours: map[string]bool{}, dirs: map[string]bool{}}
	if t.parent, err = os.OpenRoot(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("open the folder that is to hold %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	t.tidy()
	if err := t.openOld(dir); err != nil {
		return nil, err
	}
	if err := t.openFresh(); err != nil {
		return nil, fmt.Errorf("make a folder beside %s (the folder that holds it must be writable): %w", dir, err)
	}
	if t.old != nil {
		if err := t.carry("."); err != nil {
			return nil, fmt.Errorf("carry over the files in %s that are not from a build: %w", dir, err)
		}
	}
	return t, nil
}

// resolve is the real place of dir. A link is followed: it is the folder it
// leads to that is replaced, so that the link stays.
func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", dir, err)
	}
	if filepath.Dir(abs) == abs {
		return "", fmt.Errorf("%s is the root of the file system and cannot be replaced; name a folder", dir)
	}
	if _, err := os.Lstat(abs); err == nil {
		if real, err := filepath.EvalSymlinks(abs); err == nil {
			return real, nil
		}
		return "", fmt.Errorf("%s is a link that leads nowhere; remove it or name another folder", dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("find %s: %w", dir, err)
	}
	parent := filepath.Dir(abs)
	info, err := os.Stat(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no folder %s to hold %s; create it first", parent, dir)
	} else if err != nil {
		return "", fmt.Errorf("find %s: %w", parent, err)
	} else if !info.IsDir() {
		return "", fmt.Errorf("%s, which is to hold %s, is not a folder", parent, dir)
	}
	return abs, nil
}

// openOld opens the target if it exists, and refuses what is not from a build.
func (t *tree) openOld(dir string) error {
	info, err := t.parent.Stat(t.target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is a file; name a folder to build into", dir)
	}
	if t.old, err = t.parent.OpenRoot(t.target); err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	inside, err := readDir(t.old, ".")
	if err != nil {
		return fmt.Errorf("read %s: %w", dir, err)
	}
	if len(inside) == 0 {
		return nil
	}
	if !listed(t.old) {
		return fmt.Errorf("%s holds files and none of them says that it was built by orrery (there is no %s in it): "+
			"nothing was touched; name a new or an empty folder", dir, listFile)
	}
	list, err := t.old.ReadFile(listFile)
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(dir, listFile), err)
	}
	for name := range strings.Lines(string(list)) {
		name = strings.TrimSuffix(name, "\n")
		t.ours[name] = true
		for d := path.Dir(name); d != "."; d = path.Dir(d) {
			t.dirs[d] = true
		}
	}
	if robots, err := t.old.ReadFile(robotsFile); err == nil && !bytes.HasPrefix(robots, []byte(robotsMark)) {
		delete(t.ours, robotsFile)
	}
	return nil
}

// listed says that root is the root of a tree of ours.
func listed(root *os.Root) bool {
	info, err := root.Lstat(listFile)
	return err == nil && info.Mode().IsRegular()
}

func (t *tree) openFresh() (err error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	name := t.target + newMark + hex.EncodeToString(random[:])
	mode := fs.FileMode(0o755)
	if t.old != nil {
		if info, err := t.old.Stat("."); err == nil {
			mode = info.Mode().Perm() | 0o700
		}
	}
	if err := t.parent.Mkdir(name, 0o755); err != nil {
		return err
	}
	t.temp = name
	if t.fresh, err = t.parent.OpenRoot(name); err != nil {
		return err
	}
	if err := t.parent.Chmod(name, mode); err != nil {
		return err
	}
	if t.list, err = t.fresh.OpenFile(listFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err != nil {
		return err
	}
	lock(t.list)
	return nil
}

// write puts one file of ours into the new folder; several may be written at once. One that is the same as
// before is the same file: its times tell web servers and rsync that nothing
// has changed (same). A stranger's file in its place stays.
func (t *tree) write(file string, body []byte) (same bool, err error) {
	name := filepath.FromSlash(file)
	if t.has(file) {
		return false, nil
	}
	if err := t.fresh.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return false, err
	}
	same = t.ours[file] && t.unchanged(name, body)
	t.note(file, int64(len(body)), same)
	if same {
		return true, t.link(name)
	}
	f, err := t.fresh.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false, err
	}
	_, err = f.Write(body)
	if err == nil && syncEach {
		err = f.Sync()
	}
	return false, errors.Join(err, f.Close())
}

// keep takes over a file of the last build as it is, if there is one.
func (t *tree) keep(file string) (kept bool, err error) {
	if !t.ours[file] || t.has(file) {
		return false, nil
	}
	info, err := t.old.Lstat(filepath.FromSlash(file))
	if err != nil || !info.Mode().IsRegular() {
		return false, nil
	}
	t.note(file, info.Size(), true)
	return true, t.link(filepath.FromSlash(file))
}

// note counts a file.
func (t *tree) note(file string, size int64, same bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.files = append(t.files, file)
	t.report.Files++
	t.report.Bytes += size
	if same {
		t.report.Unchanged++
	} else {
		t.report.Written++
	}
}

// has says that the new folder has the file.
func (t *tree) has(file string) bool {
	_, err := t.fresh.Lstat(filepath.FromSlash(file))
	return err == nil
}

func (t *tree) unchanged(name string, body []byte) bool {
	info, err := t.old.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(body)) {
		return false
	}
	was, err := t.old.ReadFile(name)
	return err == nil && bytes.Equal(was, body)
}

// finish lists the files, makes sure that they are on the disk, and swaps.
func (t *tree) finish() (BuildReport, error) {
	slices.Sort(t.files)
	if _, err := t.list.WriteString(listHead + "\n" + strings.Join(t.files, "\n") + "\n"); err != nil {
		return t.report, fmt.Errorf("write %s: %w", listFile, err)
	}
	if err := t.sync(); err != nil {
		return t.report, fmt.Errorf("bring the files to the disk: %w", err)
	}
	t.countRemoved()
	if err := t.swap(); err != nil {
		return t.report, fmt.Errorf("put the new folder in place: %w", err)
	}
	if t.old == nil {
		return t.report, nil
	}
	// What somebody put into the old folder while we were building.
	if err := t.carry("."); err != nil {
		return t.report, fmt.Errorf("the new site is in place, but not all other files are: see %s: %w", t.temp, err)
	}
	if err := t.parent.RemoveAll(t.temp); err != nil {
		return t.report, fmt.Errorf("the new site is in place, but the replaced one cannot be removed: %w", err)
	}
	return t.report, nil
}

func (t *tree) countRemoved() {
	for file := range t.ours {
		if _, found := slices.BinarySearch(t.files, file); found || strings.HasPrefix(file, "#") {
			continue
		}
		if _, err := t.old.Lstat(filepath.FromSlash(file)); err == nil {
			t.report.Removed++
		}
	}
}

// sync: without it a crash of the machine soon after the swap could leave the
// new names with no content behind them.
func (t *tree) sync() error {
	if err := t.list.Sync(); err != nil {
		return err
	}
	d, err := t.fresh.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(syncTree(d), d.Close())
}

// close gives up what is open, and the new folder if it is not in place.
func (t *tree) close() {
	if t.fresh != nil {
		_ = t.fresh.Close()
	}
	if t.old != nil {
		_ = t.old.Close()
	}
	if t.temp != "" && !t.swapped {
		_ = t.parent.RemoveAll(t.temp) // else the next build finds and removes it
	}
	if t.list != nil {
		_ = t.list.Close() // and with it the lock
	}
	if t.parent != nil {
		_ = t.parent.Close()
	}
}

func readDir(root *os.Root, name string) ([]fs.DirEntry, error) {
	d, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	list, err := d.ReadDir(-1)
	return list, errors.Join(err, d.Close())
}
