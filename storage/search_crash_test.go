package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

// caughtUp indexes what is left, and fails the test unless then every entry is found by
// what it says, and by nothing that it said before.
func caughtUp(t *testing.T, db *DB) {
	t.Helper()
	indexAll(t, db)
	if left := column(t, db, `SELECT entry_id FROM unindexed`); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	list := entries(t, db, feeds.Query{})
	for _, e := range list {
		word := strings.Fields(feeds.PlainText(e.Content))[0]
		same(t, "found by "+word, lookFor(t, db, word, feeds.Query{}), []string{e.Title})
	}
	if got := lookFor(t, db, "everyone", feeds.Query{}); len(got) != len(list) {
		t.Errorf("%d of %d are found by what all say", len(got), len(list))
	}
	finds(t, db, "before")
}

// numbered is the n-th post, which says what no other does.
func numbered(n, revision int) feeds.Entry {
	e := saying(fmt.Sprint("Post ", n), fmt.Sprintf("word%dx%d everyone", n, revision))
	e.Updated = epoch.Add(time.Duration(revision) * time.Hour)
	return e
}

func someNumbered(n, revision int) (list []feeds.Entry) {
	for i := range n {
		list = append(list, numbered(i, revision))
	}
	return list
}

// Whatever fails, and wherever: when it is tried again, all is indexed.
func TestIndexCatchesUpAfterEveryFault(t *testing.T) {
	t.Parallel()
	stored := func(t *testing.T, db *DB, third string) {
		configure(t, db, nil, folder("own"))
		list := someNumbered(6, 0)
		list[2].Content = third
		visit(t, db, "own", epoch, list...)
	}
	indexed := func(t *testing.T, db *DB) {
		stored(t, db, "<p>before everyone</p>")
		indexAll(t, db)
		visit(t, db, "own", epoch.Add(time.Minute), numbered(6, 0))
	}
	// One that has indexed before has its index open, and compiled what it asks.
	change := func(t *testing.T, db *DB) {
		indexAll(t, db)
		visit(t, db, "own", epoch.Add(time.Hour), numbered(2, 1), numbered(7, 1))
		withdraw(t, db, "own", epoch.Add(2*time.Hour), "post-3")
	}
	t.Run("sqlite, without an index", func(t *testing.T) {
		indexAfterFaults(t, copiesOfFile(t, func(db *DB) { stored(t, db, numbered(2, 0).Content) }), func(*testing.T, *DB) {})
	})
	t.Run("sqlite", func(t *testing.T) {
		indexAfterFaults(t, copiesOfFile(t, func(db *DB) { indexed(t, db) }), change)
	})
	t.Run("postgres", func(t *testing.T) {
		indexAfterFaults(t, copiesOfDatabase(t, func(db *DB) { indexed(t, db) }), change)
	})
}

// indexAfterFaults changes a copy and makes a call of its indexing fail, one after another.
func indexAfterFaults(t *testing.T, c *copies, change func(t *testing.T, db *DB)) {
	for _, how := range []fault{fails, losesAnswer} {
		faulty := 0
		every := map[bool]int{false: 1, true: 5}[c.slow && how == fails]
		for n, hit := 1, true; hit; n += every {
			s := c.open(t)
			change(t, s.db)
			s.faults.arm(n, how)
			_, _, err := s.db.Index(context.Background())
			if _, hit = s.faults.disarm(); hit {
				faulty++
			}
			if err != nil && !errors.Is(err, errFault) && !hit {
				t.Fatalf("call %d failed: %v", n, err)
			}
			caughtUp(t, s.witness)
			s.close(t)
			if t.Failed() {
				t.Fatalf("when call %d %s, which ended with %v", n, how, err)
			}
		}
		if faulty == 0 || how == fails && faulty < 5 {
			t.Errorf("%d calls %s", faulty, how)
		}
	}
}

// hostile.md, Faults: kill -9 at any moment.
func TestKilledIndexerCatchesUp(t *testing.T) {
	for run := range 6 {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			eachAddress(t, func(t *testing.T, dsn string) {
				configure(t, openDSN(t, dsn), nil, folder("own"))
				lines := startChild(t, "index", dsn).kill(t, 2+4*run)
				db := openDSN(t, dsn)
				caughtUp(t, db)
				if n := len(entries(t, db, feeds.Query{})); n < len(lines) {
					t.Errorf("%d visits were said to be stored, and %d are", len(lines), n)
				}
			})
		})
	}
}

// childIndexes commits, and indexes what others of it commit.
func childIndexes(dsn string) error {
	ctx := context.Background()
	db, err := Open(ctx, dsn)
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() {
		for {
			if _, _, err := db.Index(ctx); err != nil {
				failed <- err
				return
			}
		}
	}()
	for n := 0; ; n++ {
		at := epoch.Add(time.Duration(n) * time.Hour)
		due, err := db.Claim(ctx, feeds.Want{Now: at, Start: at, N: 1, Lease: time.Hour, Slugs: []string{"own"}})
		if err != nil || len(due) != 1 {
			return fmt.Errorf("claimed %d: %w", len(due), err)
		}
		v := visitOf(due[0], at, numbered(n, 0))
		if n > 0 {
			v = visitOf(due[0], at, numbered(n, 0), numbered(n-1, n))
		}
		if _, err := db.Commit(ctx, v); err != nil {
			return err
		}
		select {
		case err := <-failed:
			return err
		default:
			fmt.Println("stored", n)
		}
	}
}

// Whoever indexes what, and whoever revises it meanwhile: what it says last is found.
func TestSeveralIndexAndReviseAtOnce(t *testing.T) {
	eachWith(t, 3, func(t *testing.T, all []*DB) {
		configure(t, all[0], nil, folder("own"))
		const posts, rounds = 40, 12
		visit(t, all[0], "own", epoch, someNumbered(posts, 0)...)
		var wg sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		for _, db := range all {
			for range 2 {
				wg.Go(func() {
					for ctx.Err() == nil {
						if _, _, err := db.Index(ctx); err != nil && ctx.Err() == nil {
							t.Error(err)
							return
						}
					}
				})
			}
		}
		for r := 1; r <= rounds; r++ {
			visit(t, all[r%len(all)], "own", epoch.Add(time.Duration(2*r)*time.Hour), someNumbered(posts, r)...)
		}
		stop()
		wg.Wait()
		caughtUp(t, all[1])
	})
}

// searchFile are the bytes of the index.
func searchFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path + "-search")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever became of the file: it is made anew, and whoever has it open sees that.
func TestUselessIndexIsMadeAnew(t *testing.T) {
	foreign := func(t *testing.T) string {
		path := newFile(t)
		db := open(t, path)
		configure(t, db, nil, folder("own"))
		visit(t, db, "own", epoch, saying("Foreign", "word0x0 everyone before"))
		indexAll(t, db)
		return path
	}
	remove := func(t *testing.T, path string) {
		if err := errors.Join(os.Remove(path+"-search"), os.RemoveAll(path+"-search-wal"), os.RemoveAll(path+"-search-shm")); err != nil {
			t.Fatal(err)
		}
	}
	write := func(t *testing.T, path string, b []byte) {
		remove(t, path)
		if err := os.WriteFile(path+"-search", b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for what, spoil := range map[string]func(t *testing.T, path string){
		"gone":             remove,
		"gone but its log": func(t *testing.T, path string) { _ = os.Remove(path + "-search") },
		"empty":            func(t *testing.T, path string) { write(t, path, nil) },
		"no database":      func(t *testing.T, path string) { write(t, path, []byte(strings.Repeat("no database ", 1000))) },
		"cut off":          func(t *testing.T, path string) { write(t, path, searchFile(t, path)[:4096]) },
		"overwritten": func(t *testing.T, path string) {
			b := searchFile(t, path)
			for i := 4096; i < len(b); i += 3 {
				b[i] = 0xA5
			}
			write(t, path, b)
		},
		"another planet's": func(t *testing.T, path string) { write(t, path, searchFile(t, foreign(t))) },
		"a planet":         func(t *testing.T, path string) { b, _ := os.ReadFile(foreign(t)); write(t, path, b) },
		"of another version": func(t *testing.T, path string) {
			mustExec(t, raw(t, path+"-search"), fmt.Sprintf(`PRAGMA user_version = %d`, fileIndexVersion+1))
		},
		"without a table": func(t *testing.T, path string) { mustExec(t, raw(t, path+"-search"), `DROP TABLE places`) },
	} {
		for _, running := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, running %v", what, running), func(t *testing.T) {
				path := newFile(t)
				db, other := open(t, path), open(t, path)
				configure(t, db, nil, folder("own"))
				visit(t, db, "own", epoch, someNumbered(5, 0)...)
				caughtUp(t, db)
				caughtUp(t, other)
				if !running { // and nothing is left in its log
					shut(t, db)
					shut(t, other)
				}
				spoil(t, path)
				if !running {
					db, other = open(t, path), open(t, path)
				}
				// Somebody may look before it is made anew; he is told, or finds less.
				list, err := other.Entries(t.Context(), feeds.Query{Text: "everyone"})
				if len(list) > 0 && what != "without a table" && what != "gone but its log" && (!running || what != "overwritten" && what != "cut off") {
					t.Errorf("found %q, %v", titles(list), err)
				}
				visit(t, db, "own", epoch.Add(time.Hour), numbered(5, 0))
				caughtUp(t, db)
				caughtUp(t, other)
			})
		}
	}
}

// A planet that was restored from a backup is not what its index was made of.
func TestRestoredPlanetIsIndexedAnew(t *testing.T) {
	path := newFile(t)
	db := open(t, path)
	configure(t, db, nil, folder("own"))
	visit(t, db, "own", epoch, someNumbered(5, 0)...)
	indexAll(t, db)
	backup := path + ".backup"
	if err := db.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	list := someNumbered(6, 0)
	list[1].Content = "<p>before everyone</p>"
	visit(t, db, "own", epoch.Add(time.Hour), list...)
	indexAll(t, db)
	shut(t, db)
	if err := os.Rename(backup, path); err != nil {
		t.Fatal(err)
	}
	db = open(t, path)
	caughtUp(t, db)
}

func TestCopyIsIndexedAnew(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		original := openDSN(t, from)
		configure(t, original, nil, folder("own"))
		visit(t, original, "own", epoch, someNumbered(5, 0)...)
		caughtUp(t, original)
		empty := openDSN(t, to)
		indexAll(t, empty)
		mustCopy(t, from, to)
		caughtUp(t, openDSN(t, to))
	})
}

func TestTableOfAnotherVersionIsMadeAnew(t *testing.T) {
	leaveOutPostgres(t)
	db := openPG(t)
	configure(t, db, nil, folder("own"))
	visit(t, db, "own", epoch, someNumbered(5, 0)...)
	indexAll(t, db)
	mustExec(t, db.write, `UPDATE search_index SET words = CAST('''before'':1' AS TSVECTOR)`, `UPDATE meta SET value = '0.9' WHERE name = 'search'`,
		`INSERT INTO search_index (entry_id, sort, words) VALUES (77, 0, '')`)
	caughtUp(t, db)
	if n := inIndex(t, db); n != 5 {
		t.Errorf("%d entries are in the index", n)
	}
}

func TestOlderPlanetIsIndexed(t *testing.T) {
	path := newFile(t)
	db := open(t, path)
	configure(t, db, nil, folder("own"))
	visit(t, db, "own", epoch, someNumbered(5, 0)...)
	shut(t, db)
	mustExec(t, raw(t, path), append(beforeMonths, `DROP TABLE unindexed`, `PRAGMA user_version = 5`)...)
	caughtUp(t, open(t, path))
}

// The texts of a planet that is not public are not public either.
func TestIndexIsReadableByWhoMayReadThePlanet(t *testing.T) {
	path := newFile(t)
	db := open(t, path)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	indexAll(t, db)
	configure(t, db, nil, folder("own"))
	visit(t, db, "own", epoch, numbered(0, 0))
	indexAll(t, db)
	for _, end := range []string{"", "-wal", "-shm"} {
		if i, err := os.Stat(path + "-search" + end); err != nil || i.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v, %v", end, i, err)
		}
	}
}

// Nobody else is disturbed by an index that cannot be written: it is told, once.
func TestWhatCannotBeIndexedIsToldAndTriedAgain(t *testing.T) {
	path := newFile(t)
	db := open(t, path)
	if err := os.MkdirAll(path+"-search/in the way", 0o700); err != nil {
		t.Fatal(err)
	}
	configure(t, db, nil, folder("own"))
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan error, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		db.IndexBehind(ctx, func(err error) { told <- err })
	}()
	visit(t, db, "own", epoch, numbered(0, 0))
	if err := <-told; !strings.Contains(err.Error(), "index texts") {
		t.Error(err)
	}
	if err := os.RemoveAll(path + "-search"); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); len(lookFor(t, db, "everyone", feeds.Query{})) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			t.Fatal("it is not tried again")
		}
	}
	stop()
	<-done
	if n := len(told); n > 0 {
		t.Errorf("told %d times more", n)
	}
	if i := slices.Index(lookFor(t, db, "everyone", feeds.Query{}), "Post 0"); i != 0 {
		t.Error("it is not found")
	}
}
