//go:build linux

package storage

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/storage/pgtest"
)

// dataOf is the folder of the server.
func dataOf(t *testing.T, db *sql.DB) (folder string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SHOW data_directory`).Scan(&folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// smallDiskOf is a folder of the server's that holds so many megabytes.
func smallDiskOf(t *testing.T, data string, megabytes int) string {
	t.Helper()
	folder := filepath.Join(filepath.Dir(data), "small") // which it may enter
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	mountSmall(t, folder, megabytes)
	give(t, folder, data)
	return folder
}

// give has everything in the folder belong to whom the other belongs to.
func give(t *testing.T, folder, other string) {
	t.Helper()
	i, err := os.Stat(other)
	if err == nil {
		to := i.Sys().(*syscall.Stat_t)
		err = filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Chown(path, int(to.Uid), int(to.Gid)))
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The disk of the server's tables is full: nothing acknowledged is lost, what is there is
// read, and writing resumes by itself, with the same handle.
func TestServerWhoseDiskIsFullLosesNothingAndWritingResumes(t *testing.T) {
	leaveOutPostgres(t)
	server := pgtest.Start(t, true)
	admin := openDSN(t, server.URL(t)).write
	folder := smallDiskOf(t, dataOf(t, admin), 40)
	url := server.URL(t)
	mustExec(t, admin, fmt.Sprintf(`CREATE TABLESPACE small LOCATION '%s'`, folder), `ALTER DATABASE `+url[strings.LastIndex(url, "/")+1:strings.Index(url, "?")]+` SET TABLESPACE small`)
	db := openDSN(t, url)
	configure(t, db, nil, remote("s0"))
	stored := 0
	for ; stored < 2; stored++ {
		commit(t, db, thick(t, db, stored))
	}
	v := thick(t, db, stored)
	relieve := refusedWhileFull(t, db, folder, v, stored)
	relieve()
	resumes(t, db, v, stored)
	shut(t, db)
	mustExec(t, admin, `DROP DATABASE `+url[strings.LastIndex(url, "/")+1:strings.Index(url, "?")], `DROP TABLESPACE small`)
}

// The disk of the server's log is full: the server ends itself. When there is room, and it
// was started again, every visit is there that was acknowledged, and the handle goes on.
func TestServerThatHasNoRoomForItsLogLosesNothing(t *testing.T) {
	leaveOutPostgres(t)
	server := pgtest.Start(t, true)
	url := server.URL(t)
	db := openDSN(t, url)
	configure(t, db, nil, remote("s0"))
	data := dataOf(t, db.write)
	folder, log := smallDiskOf(t, data, 40), filepath.Join(data, "pg_wal")
	server.Stop("fast")
	err := errors.Join(os.CopyFS(folder, os.DirFS(log)), os.Rename(log, log+".before"), os.Symlink(folder, log))
	if err != nil {
		t.Fatal(err)
	}
	give(t, folder, data)
	t.Cleanup(func() { server.Stop("immediate") }) // before its log is taken away
	server.Restart(t)
	stored := 0
	for ; err == nil; stored++ {
		if stored > 300 {
			t.Fatal("the disk does not fill up")
		}
		_, err = db.Commit(t.Context(), thick(t, db, stored))
	}
	stored-- // the last was refused
	if !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrReadOnly) {
		t.Errorf("the error does not name the server: %v", err)
	}
	remount(t, folder, 0, "size=200m")
	server.Restart(t)
	sound(t, openDSN(t, url))
	n := len(entries(t, db, feeds.Query{}))
	if n != stored*childPosts && n != (stored+1)*childPosts { // who was refused may have been stored: the answer was lost
		t.Errorf("%d entries are stored, %d visits were acknowledged", n, stored)
	}
	mustExec(t, openDSN(t, url).write, `UPDATE sources SET lease = 0`) // else an hour
	d := claimed(t, db, "s0", epoch.Add(1000*time.Hour))
	if want := fmt.Sprintf(`"%d"`, n/childPosts-1); d.Validators.ETag != want {
		t.Errorf("%d visits are stored, the validator is %s", n/childPosts, d.Validators.ETag)
	}
	commit(t, db, visitOf(d, epoch.Add(1000*time.Hour), post("after", epoch)))
}

// A server that takes nothing, as one that follows another does or is told to, is read and
// named; when it takes again, writing resumes.
func TestServerThatIsReadOnlyIsReadAndNamed(t *testing.T) {
	leaveOutPostgres(t)
	server := pgtest.Start(t, true)
	url := server.URL(t)
	db := openDSN(t, url)
	configure(t, db, nil, remote("s0"))
	commit(t, db, thick(t, db, 0))
	v := thick(t, db, 1)
	mustExec(t, db.write, `ALTER SYSTEM SET default_transaction_read_only = on`)
	server.Restart(t)
	for _, db := range []*DB{db, openDSN(t, url)} {
		_, err := db.Commit(t.Context(), v)
		saysDisk(t, err)
		if n := len(entries(t, db, feeds.Query{})); n != childPosts {
			t.Errorf("%d entries are read, of one visit", n)
		}
	}
	mustExec(t, db.write, `ALTER SYSTEM RESET default_transaction_read_only`)
	server.Restart(t)
	if tally := commit(t, db, v); tally.New != childPosts {
		t.Errorf("tally %+v", tally)
	}
	sound(t, db)
}
