//go:build linux

package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"orrery/feeds"
)

// smallDisk is a folder that holds so many megabytes. The tests of file_test.go set a
// limit to the file; here everything runs out at once, the log and its index too.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	folder := t.TempDir()
	mountSmall(t, folder, megabytes)
	return folder
}

func mountSmall(t *testing.T, folder string, megabytes int) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a small disk is not tested: to mount one needs root")
	}
	if err := syscall.Mount("orrery-test", folder, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		cannotMount(t, fmt.Errorf("mount a tmpfs: %w", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func remount(t *testing.T, folder string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("orrery-test", folder, "tmpfs", syscall.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// fill leaves no room on the disk, and returns what makes some.
func fill(t *testing.T, folder string) (relieve func()) {
	t.Helper()
	path := filepath.Join(folder, "ballast")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// thick is the n-th visit of the source, of a quarter of a megabyte.
func thick(t *testing.T, db *DB, n int) feeds.Visit {
	t.Helper()
	at := epoch.Add(time.Duration(n) * time.Hour)
	v := visitOf(claimed(t, db, "s0", at), at)
	r := rand.New(rand.NewPCG(uint64(n), 0)) // texts that are not alike
	for i := range childPosts {
		p := post(fmt.Sprintf("s0-%d-%d", n, i), at)
		var text strings.Builder
		for range 5000 {
			fmt.Fprintf(&text, "%x ", r.Uint64())
		}
		p.Content = text.String()
		v.Feed.Entries = append(v.Feed.Entries, placed(p, at))
	}
	v.Validators.ETag = fmt.Sprintf(`"%d"`, n)
	return v
}

// saysDisk fails the test unless the error tells a person where to look.
func saysDisk(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "space left on the disk") {
		t.Errorf("the error does not name the disk: %v", err)
	}
}

// refusedWhileFull fills the disk, on which the visit is refused behind so many, which are
// read all the while.
func refusedWhileFull(t *testing.T, db *DB, folder string, v feeds.Visit, stored int) (relieve func()) {
	t.Helper()
	relieve = fill(t, folder)
	for range 3 { // it is tried again and again
		_, err := db.Commit(t.Context(), v)
		saysDisk(t, err)
		if n := len(entries(t, db, feeds.Query{})); n != stored*childPosts {
			t.Errorf("%d entries are read, of %d visits", n, stored)
		}
	}
	return relieve
}

// resumes stores the visit that was refused, and another.
func resumes(t *testing.T, db *DB, v feeds.Visit, stored int) {
	t.Helper()
	if tally := commit(t, db, v); tally.New != childPosts {
		t.Errorf("tally %+v", tally)
	}
	commit(t, db, thick(t, db, stored+1))
	sound(t, db)
	if n := len(entries(t, db, feeds.Query{})); n != (stored+2)*childPosts {
		t.Errorf("%d entries are stored, of %d visits", n, stored+2)
	}
}

// hostile.md, Faults: serving goes on, nothing acknowledged is lost, writing resumes
// by itself, with the same handle.
func TestDiskThatIsFullLosesNothingAndWritingResumes(t *testing.T) {
	folder := smallDisk(t, 6)
	path := filepath.Join(folder, powerFile)
	db := open(t, path)
	configure(t, db, nil, remote("s0"))
	stored := 0
	for ; stored < 2; stored++ {
		commit(t, db, thick(t, db, stored))
	}
	v := thick(t, db, stored)
	relieve := refusedWhileFull(t, db, folder, v, stored)
	// The program may be ended now, too.
	left := t.TempDir()
	for _, name := range []string{powerFile, powerFile + "-wal"} {
		write(t, filepath.Join(left, name), read(t, filepath.Join(folder, name)))
	}
	copied := open(t, filepath.Join(left, powerFile))
	sound(t, copied)
	if n := len(entries(t, copied, feeds.Query{})); n != stored*childPosts {
		t.Errorf("%d entries are left, of %d visits", n, stored)
	}
	relieve()
	resumes(t, db, v, stored)
}

// Visit after visit, until nothing fits in any more.
func TestDiskThatFillsUpKeepsEveryVisitItAcknowledged(t *testing.T) {
	folder := smallDisk(t, 3)
	path := filepath.Join(folder, powerFile)
	db := open(t, path)
	configure(t, db, nil, remote("s0"))
	stored := 0
	for ; ; stored++ {
		if stored > 100 {
			t.Fatal("the disk does not fill up")
		}
		if _, err := db.Commit(t.Context(), thick(t, db, stored)); err != nil {
			saysDisk(t, err)
			break
		}
	}
	shut(t, db) // which writes the log back, as far as it fits
	remount(t, folder, 0, "size=20m")
	db = open(t, path)
	sound(t, db)
	if n := len(entries(t, db, feeds.Query{})); stored == 0 || n != stored*childPosts {
		t.Errorf("%d entries are stored, %d visits were acknowledged", n, stored)
	}
	if d := claimed(t, db, "s0", epoch.Add(1000*time.Hour)); d.Validators.ETag != fmt.Sprintf(`"%d"`, stored-1) {
		t.Errorf("%d visits are stored, the validator is %s", stored, d.Validators.ETag)
	}
}

func TestDiskWithoutRoomOrReadOnlyIsNamedByWhoOpensTheStore(t *testing.T) {
	folder := smallDisk(t, 6)
	path := filepath.Join(folder, powerFile)
	opened := func(path string) {
		t.Helper()
		db, err := Open(t.Context(), "sqlite:"+path)
		if err == nil {
			shut(t, db)
		}
		saysDisk(t, err)
		if !strings.Contains(fmt.Sprint(err), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
	}
	db := open(t, path)
	configure(t, db, nil, remote("s0"))
	commit(t, db, thick(t, db, 0))
	shut(t, db)
	before := read(t, path)
	relieve := fill(t, folder)
	opened(filepath.Join(folder, "new.db"))
	opened(path)
	relieve()
	remount(t, folder, syscall.MS_RDONLY, "")
	opened(filepath.Join(folder, "new.db"))
	// What is there is opened all the same, and shown.
	db = open(t, path)
	if n := len(entries(t, db, feeds.Query{})); n != childPosts {
		t.Errorf("%d entries are read, of one visit", n)
	}
	later := epoch.Add(time.Hour)
	_, err := db.Claim(t.Context(), feeds.Want{Now: later, Start: later, N: 1, Lease: time.Hour, Slugs: []string{"s0"}})
	saysDisk(t, err)
	shut(t, db)
	if string(read(t, path)) != string(before) {
		t.Error("the file was changed")
	}
	remount(t, folder, 0, "")
	db = open(t, path)
	sound(t, db)
	commit(t, db, thick(t, db, 1))
}

func init() {
	children["refused"] = childRefused
}

// childRefused visits a source until it is killed, and reads and tries again when it
// may not write. It says all that on stdout.
func childRefused(path string) error {
	db, err := Open(context.Background(), "sqlite:"+path)
	if err != nil {
		return err
	}
	if err := db.Sync(context.Background(), epoch, []feeds.Source{remote("s0")}, &feeds.Rules{}); err != nil {
		return err
	}
	until := func(f func() error) {
		for err := f(); err != nil; err = f() {
			list, reading := db.Entries(context.Background(), feeds.Query{})
			fmt.Println("refused", len(list), reading, errors.Is(err, ErrReadOnly), err)
		}
	}
	for n := 0; ; n++ {
		at := epoch.Add(time.Duration(n) * time.Hour)
		var due []feeds.Due
		until(func() (err error) {
			due, err = db.Claim(context.Background(), feeds.Want{Now: at, Start: at, N: 1, Lease: time.Minute, Slugs: []string{"s0"}})
			return err
		})
		if len(due) != 1 {
			return fmt.Errorf("claimed %d", len(due))
		}
		v := visitOf(due[0], at)
		for i := range childPosts {
			v.Feed.Entries = append(v.Feed.Entries, placed(post(fmt.Sprintf("s0-%d-%d", n, i), at), at))
		}
		v.Validators.ETag = fmt.Sprintf(`"%d"`, n)
		until(func() error { _, err := db.Commit(context.Background(), v); return err })
		fmt.Println("stored", n+1)
	}
}

// A kernel that finds a disk broken gives errors, and takes it for read-only.
func TestDiskThatIsReadOnlyOrBrokenWhileInUseIsReadAndNamed(t *testing.T) {
	r := powerSeed(t)
	for name, answer := range map[string]syscall.Errno{"read-only": syscall.EROFS, "broken": syscall.EIO} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			fs, unmount := mountPower(t, folder, nil)
			c := startChild(t, "refused", filepath.Join(folder, powerFile))
			t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
			stored := 0
			// line reads on until the child says that it does, or may not do, more.
			line := func(word string) (read int, refusal string) {
				for c.out.Scan() {
					first, rest, _ := strings.Cut(c.out.Text(), " ")
					_, err := fmt.Sscan(rest, &read)
					if err != nil || first == "stored" && read != stored+1 || first == "refused" && read != stored*childPosts {
						t.Fatalf("%d visits were stored, and then: %s", stored, c.out.Text())
					}
					if first == "stored" {
						stored = read
					}
					if first == word {
						return read, rest
					}
				}
				t.Fatal("the child ended by itself")
				return 0, ""
			}
			for range 1 + r.IntN(10) {
				line("stored")
			}
			fs.Refuse(answer)
			for range 5 {
				if _, s := line("refused"); !strings.Contains(s, "<nil> true") || !strings.Contains(s, "look at the permissions of the file") {
					t.Errorf("the child read and was told: %s", s)
				}
			}
			cut, before := fs.Cut(r.Uint64()), stored
			fs.Refuse(0)
			for range 3 {
				line("stored")
			}
			for _, l := range c.kill(t, 0) { // it may have been faster than we read
				if _, err := fmt.Sscanf(l, "stored %d", &stored); err != nil {
					t.Errorf("the disk takes all again, but the child says: %s", l)
				}
			}
			unmount()
			checkRefused(t, cut.Disk, before)
			checkRefused(t, fs.Seen(), stored)
		})
	}
}

// checkRefused is sure of the visits that were acknowledged. One more may be there: it
// was refused because nobody knew whether it reached the disk.
func checkRefused(t *testing.T, files map[string][]byte, stored int) {
	t.Helper()
	rec := recordOf(t, files)
	if n := rec.visits["s0"]; n < stored || n > stored+1 {
		t.Errorf("%d visits were acknowledged, %d are stored", stored, n)
	}
	if n := len(rec.owed); n != len(rec.entries) {
		t.Errorf("%d entries are stored and %d are announced", len(rec.entries), n)
	}
}
