package storage

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refusedCopy is the error of a copy that must fail.
func refusedCopy(t *testing.T, from, to string) error {
	t.Helper()
	report, err := copyWith(t.Context(), from, to, nil, smallBatch)
	if err == nil {
		t.Fatalf("copied %+v", report)
	}
	return err
}

func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q does not say %q", err, p)
		}
	}
}

// raise makes a store one of another schema.
func raise(t *testing.T, db *DB, by int) {
	t.Helper()
	n, err := db.dialect.newest()
	if err != nil {
		t.Fatal(err)
	}
	if err := db.txBeside(t.Context(), func(w *txn) error { return db.dialect.setVersion(w.ctx, w.tx, n+by) }); err != nil {
		t.Fatal(err)
	}
}

func TestCopyIsNotWrittenOverAPlanet(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		planetToCopy(t, from)
		db := openDSN(t, to)
		configure(t, db, nil, remote("one"))
		before := dump(t, db)
		for _, by := range []int{0, -1} { // also an older one, which is not even migrated
			raise(t, db, by)
			err := refusedCopy(t, from, to)
			says(t, err, "copy "+nameOf(from)+" to "+nameOf(to)+": "+nameOf(to)+" holds a planet already; nothing was written")
			if !errors.Is(err, ErrOccupied) {
				t.Errorf("%v", err)
			}
		}
		raise(t, db, 0)
		if got := dump(t, db); got != before {
			t.Errorf("the planet was changed:\n%s", diff(before, got))
		}
	})
}

func TestCopyOfNothingIsRefused(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		if strings.HasPrefix(from, "sqlite:") {
			says(t, refusedCopy(t, from, to), from+": there is no such database; nothing was written")
		} else {
			says(t, refusedCopy(t, from, to), "holds no planet; nothing was written")
			u, _ := url.Parse(from)
			u.Path = "/nowhere"
			says(t, refusedCopy(t, u.String(), to), "there is no such database; nothing was written; createdb makes an empty one")
			u.Host = "127.0.0.1:1"
			says(t, refusedCopy(t, u.String(), to), "cannot be reached")
		}
		for _, dsn := range []string{from, to} {
			if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
				if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s was made: %v", path, err)
				}
			}
		}
	})
}

func TestCopyOfAnotherSchemaIsRefused(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		db := planetToCopy(t, from)
		raise(t, db, 1)
		err := refusedCopy(t, from, to)
		if !errors.Is(err, ErrNewer) {
			t.Errorf("%v", err)
		}
		raise(t, db, -1)
		says(t, refusedCopy(t, from, to), nameOf(from)+" is of an older Orrery; nothing was written")
		raise(t, db, 0)
		mustCopy(t, from, to)
		raise(t, openDSN(t, to), 1)
		if err := refusedCopy(t, from, to); !errors.Is(err, ErrNewer) {
			t.Errorf("%v", err)
		}
	})
}

func TestCopyOntoItselfIsRefusedUnderEveryName(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		path := storeFile(t)
		link := filepath.Join(t.TempDir(), "link.db")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{path, link, filepath.Dir(path) + "/./orrery.db"} {
			says(t, refusedCopy(t, "sqlite:"+path, "sqlite:"+to), "they are the same database; nothing was written")
		}
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := newDSN(t, "postgres")
		planetToCopy(t, dsn)
		for _, to := range []string{dsn, strings.Replace(dsn, "postgres://", "postgresql://", 1) + "&application_name=other"} {
			says(t, refusedCopy(t, dsn, to), "they are the same database; nothing was written")
		}
	})
}

func TestCopyRefusesWhatIsNotOurs(t *testing.T) {
	from := "sqlite:" + storeFile(t)
	path := newPath(t)
	mustExec(t, raw(t, path), `CREATE TABLE theirs (x)`)
	for _, pair := range [][2]string{{from, "sqlite:" + path}, {"sqlite:" + path, "sqlite:" + newPath(t)}} {
		if err := refusedCopy(t, pair[0], pair[1]); !errors.Is(err, ErrForeign) {
			t.Errorf("%v", err)
		}
	}
	write(t, path+"x", []byte("no database at all"))
	if err := refusedCopy(t, from, "sqlite:"+path+"x"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
	says(t, refusedCopy(t, from, "sqlite:"+t.TempDir()), "it is a folder")
	says(t, refusedCopy(t, from, "sqlite:"+filepath.Join(t.TempDir(), "no", "x.db")), "the folder", "does not exist")
}

func TestCopyTellsNoPassword(t *testing.T) {
	from := "sqlite:" + storeFile(t)
	for _, to := range []string{
		"postgress://u:secret@h/db", "secret", "sqlite:", "", "postgres://u:secret@127.0.0.1:1/db", "postgres://127.0.0.1:1/db?user=u&password=secret",
		"postgres://u:secret%zz@h/db", "postgres:// u:secret@h:x/db", "host=h password=secret",
	} {
		for _, pair := range [][2]string{{from, to}, {to, from}} {
			if err := refusedCopy(t, pair[0], pair[1]); strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
		}
	}
	if name := redacted("postgres://u:secret@h/db?password=secret#secret"); strings.Contains(name, "secret") {
		t.Error(name)
	}
	if err := refusedCopy(t, from, "mysql://h/db"); !errors.Is(err, ErrAddress) {
		t.Errorf("%v", err)
	}
}

// breakOff begins a copy and breaks it off after the first n batches.
func breakOff(t *testing.T, from, to string, n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := copyWith(ctx, from, to, func(int, int) {
		if n--; n == 0 {
			cancel()
		}
	}, smallBatch)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestUnfinishedCopyIsNoPlanet(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		original := planetToCopy(t, from)
		breakOff(t, from, to, 9)
		_, err := Open(t.Context(), to)
		says(t, err, "the copy of "+nameOf(from)+" into it was not finished; run orrery copy again")
		says(t, refusedCopy(t, to, "sqlite:"+newPath(t)), "was not finished")

		another := "sqlite:" + storeFile(t)
		rows := markOf(t, to).Rows
		says(t, refusedCopy(t, another, to), "holds an unfinished copy of "+nameOf(from)+"; nothing was written")
		if got := markOf(t, to).Rows; got != rows || rows < 20 {
			t.Errorf("%d rows are there, %d were", got, rows)
		}

		older, err := openWith(t.Context(), to, engine{busy: time.Second, patience: time.Minute, copying: true})
		if err != nil {
			t.Fatal(err)
		}
		defer shut(t, older)
		raise(t, older, -1)
		says(t, refusedCopy(t, from, to), "holds an unfinished copy by an older Orrery; nothing was written")
		raise(t, older, 0)

		// It is of what the original was.
		visit(t, original, "other", epoch.Add(99*time.Hour), post("later", epoch))
		if report := mustCopy(t, from, to); !report.Restarted || report.Resumed != 0 {
			t.Errorf("%+v", report)
		}
		if want, got := content(t, original), content(t, openDSN(t, to)); got != want {
			t.Errorf("the copy is another store:\n%s", diff(want, got))
		}
	})
}

// The same original under another name is the same original.
func TestCopyGoesOnFromAMovedOriginal(t *testing.T) {
	from, to := storeFile(t), newDSN(t, "sqlite")
	breakOff(t, "sqlite:"+from, to, 3)
	moved := from + ".moved"
	if err := os.Rename(from, moved); err != nil {
		t.Fatal(err)
	}
	if report := mustCopy(t, "sqlite:"+moved, to); report.Resumed == 0 || report.Restarted {
		t.Errorf("%+v", report)
	}
}

func TestTwoCopiesIntoOneDatabaseAreNotBothMade(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		want := content(t, planetToCopy(t, from))
		var inner error
		n := 0
		_, err := copyWith(t.Context(), from, to, func(int, int) {
			if n++; n == 5 {
				_, inner = copyWith(t.Context(), from, to, nil, smallBatch)
			}
		}, smallBatch)
		if inner != nil || !errors.Is(err, errTwoCopies) {
			t.Errorf("the one that came later: %v, the first one: %v", inner, err)
		}
		if got := content(t, openDSN(t, to)); got != want {
			t.Errorf("the copy is another store:\n%s", diff(want, got))
		}
	})
}

func TestDamageInACopyIsFound(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		if strings.HasPrefix(from, "postgres:") == strings.HasPrefix(to, "postgres:") {
			t.Skip("between two engines there is more to damage")
		}
		original := planetToCopy(t, from)
		for text, says1 := range map[string]string{
			`UPDATE copies SET body = body || ' ' WHERE id = 2`:                        "table copies has other rows in the original than in the copy",
			`UPDATE sources SET etag = $1 WHERE slug = 'other'`:                        "table sources has other rows",
			`DELETE FROM sketches WHERE hash = (SELECT min(hash) FROM sketches)`:       "table sketches has ",
			`UPDATE copies SET entry_id = NULL WHERE id = 1`:                           "table copies has other rows",
			`INSERT INTO hosts (host, until) VALUES ('more.example', 1)`:               "table hosts has 1 rows in the original and 2 in the copy",
			`UPDATE versions SET seq = seq + 1 WHERE scope = ''`:                       "table versions has other rows",
			`UPDATE source_entries SET sort = sort + 1 WHERE entry_id = 1`:             "table source_entries has other rows",
			`UPDATE outbox SET id = id + 1 WHERE id = (SELECT max(id) FROM outbox)`:    "table outbox has other rows",
			`UPDATE outbox SET event = 'new ' WHERE id = (SELECT max(id) FROM outbox)`: "table outbox has other rows",
		} {
			_, err := copyWith(t.Context(), from, to, func(done, total int) {
				if done != total/2 {
					return
				}
				db, err := openWith(t.Context(), to, engine{busy: time.Second, patience: time.Minute, copying: true})
				if err != nil {
					t.Fatal(err)
				}
				defer shut(t, db)
				var args []any
				if strings.Contains(text, "$1") {
					args = append(args, []byte("\xff"))
				}
				if _, err := db.write.ExecContext(t.Context(), text, args...); err != nil {
					t.Fatal(text, err)
				}
			}, smallBatch)
			if err == nil {
				t.Fatalf("not found: %s", text)
			}
			says(t, err, says1, "run orrery copy again, which begins anew")
			if _, err := Open(t.Context(), to); !errors.Is(err, ErrUnfinished) {
				t.Errorf("the damaged copy is taken for a planet: %v", err)
			}
		}
		if report := mustCopy(t, from, to); !report.Restarted {
			t.Errorf("%+v", report)
		}
		if want, got := content(t, original), content(t, openDSN(t, to)); got != want {
			t.Errorf("the copy is another store:\n%s", diff(want, got))
		}
	})
}

func TestCopyNamesWhatAnEngineCannotKeep(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{`UPDATE copies SET body = 'a' || char(0) || 'b' WHERE id = 3`, `table copies, row with id "3", column body: it holds a NUL byte`},
		{`UPDATE versions SET scope = 's ' || CAST(x'ff00' AS TEXT) WHERE scope = 's b'`, `table versions, row with scope "s \xff\x00", column scope: it holds a NUL byte`},
		{`UPDATE revisions SET body = CAST(x'ff' AS TEXT) WHERE n = 77`, `table revisions, row with copy_id "1", n "77", column body: it is not valid UTF-8`},
		{`UPDATE entries SET sort = 'soon' WHERE id = 1`, `table entries, row with id "1", column sort: it holds a string`},
	} {
		from, to := newDSN(t, "sqlite"), newDSN(t, "postgres")
		db := planetToCopy(t, from)
		if _, err := db.write.ExecContext(t.Context(), c.text); err != nil {
			t.Fatal(err)
		}
		says(t, refusedCopy(t, from, to), c.says)
		if strings.Contains(c.says, "string") {
			continue
		}
		// A file keeps whatever was in a file.
		file := newDSN(t, "sqlite")
		mustCopy(t, from, file)
		if want, got := content(t, db), content(t, openDSN(t, file)); got != want {
			t.Errorf("the copy is another store:\n%s", diff(want, got))
		}
	}
}

func TestCopyOfAnEmptyStoreIsEmpty(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		openDSN(t, from)
		for range 2 { // an empty target may be copied into once more
			if report := mustCopy(t, from, to); report.Rows != 0 {
				t.Errorf("%+v", report)
			}
		}
		configure(t, openDSN(t, to), nil, remote("a"))
	})
}

func TestCopyInAFileIsItsOwnersOnly(t *testing.T) {
	to := newPath(t)
	mustCopy(t, "sqlite:"+storeFile(t), "sqlite:"+to)
	if i, err := os.Stat(to); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
}
