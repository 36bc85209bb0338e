package site

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// swap puts the new folder in the target's place: in one step where the system
// can exchange two names, else in two, the first of which is taken back when
// the second fails.
func (t *tree) swap() error {
	d, err := t.parent.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if t.old == nil {
		if err := t.parent.Rename(t.temp, t.target); err != nil {
			return err
		}
		t.swapped = true
		return d.Sync()
	}
	err = exchange(d, t.temp, t.target)
	if errors.Is(err, errors.ErrUnsupported) {
		err = t.swapInTwo()
	}
	if err != nil {
		return err
	}
	t.swapped = true
	return d.Sync()
}

// swapInTwo: a crash between the two leaves <target>.old-<hex>, which the next
// build puts back.
func (t *tree) swapInTwo() error {
	aside := t.target + oldMark + strings.TrimPrefix(t.temp, t.target+newMark)
	if err := t.parent.Rename(t.target, aside); err != nil {
		return err
	}
	if err := t.parent.Rename(t.temp, t.target); err != nil {
		return errors.Join(err, t.parent.Rename(aside, t.target))
	}
	t.temp = aside
	return nil
}

// tidy puts back what a build killed in swapInTwo took aside, and removes new
// folders of builds that were killed: ours by their name, their list of files,
// and nobody holding the lock on it. What cannot be removed stays in nobody's
// way, so no error is made of it.
func (t *tree) tidy() {
	beside, err := readDir(t.parent, ".")
	if err != nil {
		return
	}
	for _, mark := range []string{oldMark, newMark} {
		for _, e := range beside {
			if !e.IsDir() || !isLeftover(e.Name(), t.target+mark) {
				continue
			}
			if _, err := t.parent.Lstat(t.target); mark == oldMark && errors.Is(err, fs.ErrNotExist) {
				_ = t.parent.Rename(e.Name(), t.target)
				continue
			}
			if t.abandoned(e.Name()) {
				_ = t.parent.RemoveAll(e.Name())
			}
		}
	}
}

// isLeftover says that name is prefix and 16 hexadecimal digits.
func isLeftover(name, prefix string) bool {
	id, ok := strings.CutPrefix(name, prefix)
	b, err := hex.DecodeString(id)
	return ok && err == nil && len(b) == 8
}

// abandoned says that the folder is of a build that nobody works on any more.
func (t *tree) abandoned(name string) bool {
	root, err := t.parent.OpenRoot(name)
	if err != nil {
		return false
	}
	defer func() { _ = root.Close() }()
	if !listed(root) {
		return false
	}
	f, err := root.Open(listFile)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return lock(f)
}

// carry brings all files below dir that are not ours from the old folder into
// the new one, unless they are there already.
func (t *tree) carry(dir string) error {
	list, err := readDir(t.old, dir)
	if err != nil {
		return err
	}
	if foreign := dir != "." && !t.dirs[filepath.ToSlash(dir)]; foreign {
		if err := t.carryFolder(dir); err != nil {
			return err
		}
	}
	for _, e := range list {
		name := filepath.Join(dir, e.Name())
		if e.IsDir() {
			err = t.carry(name)
		} else if name != listFile && !t.ours[filepath.ToSlash(name)] {
			err = t.carryFile(name, e.Type())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// carryFolder makes a folder like the old one, but for us always writable.
func (t *tree) carryFolder(dir string) error {
	if err := t.fresh.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	info, err := t.old.Stat(dir)
	if err != nil {
		return err
	}
	return t.fresh.Chmod(dir, info.Mode().Perm()|0o700)
}

func (t *tree) carryFile(name string, typ fs.FileMode) error {
	if _, err := t.fresh.Lstat(name); err == nil {
		return nil
	}
	if err := t.fresh.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch {
	case typ.IsRegular():
		return t.link(name)
	case typ&fs.ModeSymlink != 0:
		to, err := t.old.Readlink(name)
		if err != nil {
			return err
		}
		return t.fresh.Symlink(to, name)
	}
	return fmt.Errorf("%s is neither a file nor a folder nor a link; take it out of the folder", name)
}

// link gives the old file a name in the new folder, or copies it with its times
// where the file system has no second names.
func (t *tree) link(name string) error {
	from, to := filepath.Join(t.target, name), filepath.Join(t.temp, name)
	if t.swapped {
		from, to = filepath.Join(t.temp, name), filepath.Join(t.target, name)
	}
	if t.parent.Link(from, to) == nil {
		return nil
	}
	return t.copy(name)
}

func (t *tree) copy(name string) error {
	in, err := t.old.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := t.fresh.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil && syncEach {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return t.fresh.Chtimes(name, info.ModTime(), info.ModTime())
}
