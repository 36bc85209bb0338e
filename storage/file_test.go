package storage

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

// quick waits for nobody.
var quick = engine{busy: time.Millisecond}

// raw opens the file past all that Open does.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// storeFile is a store with something in it, closed.
func storeFile(t *testing.T) string {
	t.Helper()
	path := newPath(t)
	db := open(t, path)
	configure(t, db, nil, remote("a"))
	var list []feeds.Entry
	for i := range 50 {
		list = append(list, post(fmt.Sprint(i), epoch))
	}
	visit(t, db, "a", epoch, list...)
	shut(t, db)
	return path
}

func TestFreshStoreHasTheNewestSchemaAndOurMark(t *testing.T) {
	for name, prepare := range map[string]func(path string){
		"no file":    func(string) {},
		"empty file": func(path string) { write(t, path, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			prepare(path)
			db := open(t, path)
			same(t, "version", column(t, db, `PRAGMA user_version`), []string{fmt.Sprint(schemaNow(t))})
			same(t, "mark", column(t, db, `PRAGMA application_id`), []string{fmt.Sprint(applicationID)})
			same(t, "journal", column(t, db, `PRAGMA journal_mode`), []string{"wal"})
			var synchronous, foreign string
			err := errors.Join(db.write.QueryRow(`PRAGMA synchronous`).Scan(&synchronous), db.write.QueryRow(`PRAGMA foreign_keys`).Scan(&foreign))
			if err != nil || synchronous != "2" || foreign != "1" { // 2 is FULL
				t.Errorf("synchronous %s, foreign_keys %s, %v", synchronous, foreign, err)
			}
			if _, err := db.read.Exec(`DELETE FROM sources`); err == nil {
				t.Error("the reading connections can write")
			}
		})
	}
}

func TestStoreIsFoundAgainUnderAnyName(t *testing.T) {
	for _, name := range []string{"a b.db", "ä?x=1&mode=ro#y.db", "100%41.db", "'; --.db", "orrery"} {
		path := filepath.Join(t.TempDir(), name)
		db := open(t, path)
		configure(t, db, nil, remote("a"))
		shut(t, db)
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if got := sourcesOfStore(t, open(t, path)); len(got) != 1 {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// Nothing is written to what is not ours to write to.
func TestFileThatIsRefusedIsLeftAsItWas(t *testing.T) {
	ours := storeFile(t)
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    error
		says    string
	}{
		{"a newer schema", func(t *testing.T, path string) {
			write(t, path, read(t, ours))
			mustExec(t, raw(t, path), fmt.Sprintf(`PRAGMA user_version = %d`, schemaNow(t)+1))
		}, ErrNewer, "newer Orrery"},
		{"a database of another program", func(t *testing.T, path string) {
			mustExec(t, raw(t, path), `CREATE TABLE theirs (x)`, `INSERT INTO theirs VALUES (1)`)
		}, ErrForeign, "not one of Orrery's"},
		{"another program's database with a version", func(t *testing.T, path string) {
			mustExec(t, raw(t, path), `CREATE TABLE theirs (x)`, `PRAGMA user_version = 1`, `PRAGMA application_id = 77`)
		}, ErrForeign, "choose another for storage"},
		{"no database at all", func(t *testing.T, path string) {
			write(t, path, bytes.Repeat([]byte("planet: {title: no database}\n"), 999))
		}, ErrCorrupt, "damaged"},
		{"a few bytes", func(t *testing.T, path string) { write(t, path, []byte("x")) }, ErrCorrupt, "restore a backup"},
		{"half of a store", func(t *testing.T, path string) {
			data := read(t, ours)
			write(t, path, data[:len(data)/2])
		}, ErrCorrupt, "damaged"},
		{"a store with its first page overwritten", func(t *testing.T, path string) {
			data := read(t, ours)
			copy(data, bytes.Repeat([]byte{0xAA}, 4096))
			write(t, path, data)
		}, ErrCorrupt, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := newPath(t)
			c.prepare(t, path)
			before := read(t, path)
			db, err := Open(t.Context(), "sqlite:"+path)
			if err == nil {
				db.Close()
			}
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) || !strings.Contains(fmt.Sprint(err), path) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if !bytes.Equal(read(t, path), before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenSaysWhatIsWrongWithThePlace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, nil)
	for dsn, says := range map[string]string{
		"":                                   `storage begins with "": neither sqlite:FILE nor postgres:`,
		"sqlite:":                            "neither sqlite:FILE nor postgres:",
		"postgres://u:secret@[::1":           "open the database: the address cannot be read; write postgres://USER",
		"sqlite:" + dir:                      "it is a folder; storage: must name a file",
		"sqlite:" + dir + "/missing/o.db":    "missing does not exist; create it first",
		"sqlite:" + filepath.Join(file, "o"): "does not exist; create it first",
	} {
		if _, err := Open(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", dsn, err, says)
		}
	}
}

// Permissions do not bind everybody, so the store is told that it may not write.
func TestStoreThatCannotBeWrittenToSaysSoAndIsStillRead(t *testing.T) {
	db := open(t, storeFile(t))
	mustExec(t, db.write, `PRAGMA query_only = 1`)
	_, err := db.Claim(t.Context(), feeds.Want{Now: epoch, N: 1, All: true, Start: epoch.Add(1000)})
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("error %v", err)
	}
	if n := len(entries(t, db, feeds.Query{})); n != 50 {
		t.Errorf("read %d entries", n)
	}
	mustExec(t, db.write, `PRAGMA query_only = 0`)
	if due := claim(t, db, feeds.Want{Now: epoch, Start: epoch.Add(1000), N: 1, All: true}); len(due) != 1 {
		t.Error("writing did not resume")
	}
}

// hostile.md, Faults: serving goes on, writing resumes by itself.
func TestFullDiskLosesNoVisitAndWritingResumes(t *testing.T) {
	db := open(t, storeFile(t))
	at := epoch.Add(24 * time.Hour)
	v := visitOf(claimed(t, db, "a", at), at)
	for i := range 200 {
		p := post(fmt.Sprintf("new%d", i), at)
		p.Content = strings.Repeat("x", 5000)
		v.Feed.Entries = append(v.Feed.Entries, placed(p, at))
	}
	v.Validators.ETag = `"new"`
	before := dump(t, db)
	var pages int
	if err := db.write.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db.write, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+10))
	if _, err := db.Commit(t.Context(), v); !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "space left on the disk") {
		t.Errorf("error %v", err)
	}
	if now := dump(t, db); now != before {
		t.Errorf("it stored\n%s", diff(before, now))
	}
	mustExec(t, db.write, `PRAGMA max_page_count = 1000000`)
	if tally := commit(t, db, v); tally.New != 200 {
		t.Errorf("tally %+v", tally)
	}
	sound(t, db)
}

func TestStoreHeldByAnotherProgramSaysSo(t *testing.T) {
	path := storeFile(t)
	holder := raw(t, path)
	mustExec(t, holder, `PRAGMA locking_mode = EXCLUSIVE`, `BEGIN EXCLUSIVE`, `UPDATE sources SET failures = 9`)
	db, err := openWith(t.Context(), "sqlite:"+path, quick)
	if err == nil {
		db.Close()
	}
	if !errors.Is(err, ErrLocked) {
		t.Errorf("error %v", err)
	}
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(entries(t, open(t, path), feeds.Query{})); n != 50 {
		t.Errorf("read %d entries", n)
	}
}

func TestVisitIsRefusedWhileAnotherProgramWritesAndStoredAfter(t *testing.T) {
	path := storeFile(t)
	db, err := openWith(t.Context(), "sqlite:"+path, quick)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, db)
	at := epoch.Add(24 * time.Hour)
	v := visitOf(claimed(t, db, "a", at), at, post("new", at))
	holder := raw(t, path)
	mustExec(t, holder, `BEGIN IMMEDIATE`, `UPDATE sources SET status = 9`)
	if _, err := db.Commit(t.Context(), v); !errors.Is(err, ErrLocked) {
		t.Errorf("error %v", err)
	}
	if n := len(entries(t, db, feeds.Query{})); n != 50 {
		t.Errorf("read %d entries", n)
	}
	mustExec(t, holder, `ROLLBACK`)
	if tally := commit(t, db, v); tally.New != 1 {
		t.Errorf("tally %+v", tally)
	}
}

func TestManyOpenAFreshStoreAtOnce(t *testing.T) {
	path := newPath(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			db, err := Open(t.Context(), "sqlite:"+path)
			if err == nil {
				err = errors.Join(db.Sync(t.Context(), epoch, []feeds.Source{remote("a")}, &feeds.Rules{}), db.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, "sources", sourcesOfStore(t, open(t, path)), []string{"a https://a.example/feed.atom"})
}

func TestBackupIsAWholeStoreThoughOthersWrite(t *testing.T) {
	path := newPath(t)
	db, other := open(t, path), open(t, path)
	configure(t, db, nil, remote("s0"))
	stop, stopped := make(chan struct{}), make(chan int)
	started := make(chan struct{}, 1)
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			if err := childVisit(other, "s0", n, &bytes.Buffer{}); err != nil {
				t.Error(err)
				return
			}
			select {
			case started <- struct{}{}:
			default:
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	<-started
	for i := range 5 {
		copied := filepath.Join(t.TempDir(), "backup.db")
		if err := db.Backup(t.Context(), copied); err != nil {
			t.Fatal(err)
		}
		backup := open(t, copied)
		sound(t, backup)
		if n := len(entries(t, backup, feeds.Query{})); n == 0 || n%childPosts != 0 {
			t.Errorf("backup %d has %d entries", i, n)
		}
	}
	close(stop)
	<-stopped
}

func TestBackupOverwritesNothing(t *testing.T) {
	db := open(t, storeFile(t))
	dir := t.TempDir()
	for name, prepare := range map[string]func(path string) error{
		"file":       func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) },
		"empty file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"folder":     func(path string) error { return os.Mkdir(path, 0o700) },
		"link":       func(path string) error { return os.Symlink(filepath.Join(dir, "nowhere"), path) },
	} {
		path := filepath.Join(dir, name)
		if err := prepare(path); err != nil {
			t.Fatal(err)
		}
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), "will not be overwritten") {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.Lstat(path); err != nil || after.Size() != before.Size() || after.Mode() != before.Mode() {
			t.Errorf("%s: was %v, is %v, %v", name, before, after, err)
		}
	}
	if err := db.Backup(t.Context(), filepath.Join(dir, "missing", "x")); err == nil {
		t.Error("it wrote into a folder that does not exist")
	}
}

func TestBackupThatFailsLeavesNoFile(t *testing.T) {
	path := newPath(t)
	db, f := openFaulty(t, "sqlite:"+path)
	configure(t, db, nil, remote("a"))
	copied := filepath.Join(t.TempDir(), "backup.db")
	f.arm(1, fails)
	if err := db.Backup(t.Context(), copied); !errors.Is(err, errFault) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Lstat(copied); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file is left: %v", err)
	}
	f.disarm()
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Error(err)
	}
}
