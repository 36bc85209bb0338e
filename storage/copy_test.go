package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/storage/pgtest"
)

// small makes many batches of a small store.
var smallBatch = copyBatch{rows: 4, bytes: 30_000}

// hostileTexts are what an engine may take for something else.
func hostileTexts() []string {
	return []string{
		"🪐 planet 👩‍👩‍👧", `back\slash \x00 \000 \\ '' "quotes" $1 ? %s`, "line\nbreak\r\ttab\x01\x7f", "\u2028\ufeff\U0010FFFF", "é e\u0301",
		strings.Repeat("0123456789ab", 1000), "NULL", " ", "{}", "'; DROP TABLE sources; --",
	}
}

// planetToCopy is a store with something in every table, claimed sources among it.
func planetToCopy(t testing.TB, dsn string) *DB {
	t.Helper()
	db := openDSN(t, dsn)
	config := []feeds.Source{folder("own"), remote("other"), remote("a"), remote("b"), remote("never")}
	configure(t, db, &feeds.Rules{Rules: []feeds.Rule{{CategoryName: feeds.CategoryName{Slug: "big", Title: "Big"}}}}, config...)
	visit(t, db, "other", epoch, in(post("shared", epoch), "Big"))
	var list []feeds.Entry
	for i, s := range hostileTexts() {
		e := in(post(fmt.Sprint("h", i), epoch.Add(-time.Duration(i)*time.Hour)), "Big", "C "+fmt.Sprint(i%3))
		e.GUID, e.Title, e.Content = s, s, "<p>"+prose(fmt.Sprint("p", i, "w"), 80)+"</p>"
		list = append(list, e)
	}
	v := visitOf(claimed(t, db, "a", epoch), epoch, list...)
	v.Validators.ETag, v.Validators.LastModified = "\"\xff\x00\xfe\\x41'\"", "\x80"
	commit(t, db, v)
	list[1].Title = "Revised 🪐"
	list[1].Updated = epoch.Add(2 * time.Hour)
	visit(t, db, "a", epoch.Add(2*time.Hour), list...)
	near := list[2]
	near.GUID, near.Permalink = "near", "https://elsewhere.example/near"
	visit(t, db, "b", epoch.Add(3*time.Hour), near, post("lone", epoch))
	at := epoch.Add(4 * time.Hour)
	v = visitOf(claimed(t, db, "own", at), at, in(post("shared", epoch), "Small"), post("mine", at))
	v.Validators.Listing = []byte("listing\x00\xff")
	commit(t, db, v)
	for _, text := range []string{ // what takes longer to come about by itself
		`INSERT INTO hosts (host, until) VALUES ('busy.example', 17)`,
		`INSERT INTO ties (a, b, kind, at) SELECT min(id), max(id), 2, 5 FROM copies`,
		`INSERT INTO revisions (copy_id, n, at, body) SELECT min(id), 77, 5, '{}' FROM copies`,
		`DELETE FROM outbox WHERE id IN (SELECT min(id) FROM outbox)`,
		`INSERT INTO tombstones (list, at, entry_id) SELECT 'c big', 5, min(id) FROM entries`,
	} {
		if _, err := db.write.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	claimed(t, db, "b", at)
	copiedDebts(t, db, at.Add(time.Hour))
	return db
}

func openDSN(t testing.TB, dsn string) *DB {
	t.Helper()
	db, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	return db
}

// newDSN is the address of a database that is not there, or empty.
func newDSN(t testing.TB, engine string) string {
	t.Helper()
	if engine == "sqlite" {
		return "sqlite:" + newPath(t)
	}
	if testing.Short() {
		t.Skip("PostgreSQL is left out of short tests")
	}
	return pgtest.URL(t)
}

// pairs runs the test for every pair of engines.
func pairs(t *testing.T, test func(t *testing.T, from, to string)) {
	for _, from := range []string{"sqlite", "postgres"} {
		for _, to := range []string{"sqlite", "postgres"} {
			t.Run(from+" to "+to, func(t *testing.T) { test(t, newDSN(t, from), newDSN(t, to)) })
		}
	}
}

// content is the dump of what a copy has to hold: all, but who claimed what, and what
// an engine writes down of itself.
func content(t testing.TB, db *DB) string {
	t.Helper()
	var b strings.Builder
	err := db.snapshot(t.Context(), func(tx *sql.Tx) error {
		for _, table := range copiedTables {
			err := table.each(t.Context(), tx, true, nil, func(row []any) error {
				fmt.Fprintf(&b, "%s %q\n", table.name, row)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// dumped is a dump without the schema that one engine notes in a table, nor claims, nor
// what every database makes of the rest.
func dumped(t testing.TB, db *DB) string {
	t.Helper()
	for _, c := range copiedTables {
		for _, name := range c.cleared {
			mustExec(t, db.write, `UPDATE `+c.name+` SET `+name+` = 0`)
		}
	}
	lines := strings.SplitAfter(dump(t, db), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		table, _, _ := strings.Cut(l, " ")
		return strings.HasPrefix(l, `meta ["schema"`) || slices.Contains(madeTables, table)
	}), "")
}

func mustCopy(t testing.TB, from, to string) CopyReport {
	t.Helper()
	report, err := copyWith(t.Context(), from, to, nil, smallBatch)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestCopyThereAndBackIsTheSameStore(t *testing.T) {
	first, middle, last, more := newDSN(t, "sqlite"), newDSN(t, "postgres"), newDSN(t, "sqlite"), newDSN(t, "sqlite")
	original := planetToCopy(t, first)
	shown := entries(t, original, feeds.Query{Limit: 100})
	before := versions(t, original)
	report := mustCopy(t, first, middle)
	if back := mustCopy(t, middle, last); back != report || report.Tables != len(copiedTables) || report.Rows < 50 || report.Resumed != 0 || report.Restarted {
		t.Errorf("there: %+v, and back: %+v", report, back)
	}
	const claims = `SELECT (SELECT count(*) FROM sources WHERE lease <> 0) || ' ' || (SELECT count(*) FROM listeners WHERE lease <> 0 AND worker <> 0)
		|| ' ' || (SELECT count(*) FROM hub_subscriptions WHERE held <> 0)`
	same(t, "claims in the original, which still are", column(t, original, claims), []string{"1 1 1"})
	mustCopy(t, last, more) // where no bytes are no longer an empty text
	copies := []*DB{openDSN(t, middle), openDSN(t, last), openDSN(t, more)}
	for _, db := range copies {
		same(t, "claims", column(t, db, claims), []string{"0 0 0"})
		sound(t, db)
		if got := entries(t, db, feeds.Query{Limit: 100}); !reflect.DeepEqual(got, shown) || len(got) < 10 {
			t.Errorf("%s shows other entries", db.dialect.name)
		}
		if got := versions(t, db); fmt.Sprint(got) != fmt.Sprint(before) {
			t.Errorf("%s has other versions: %v, want %v", db.dialect.name, got, before)
		}
	}
	want := dumped(t, original)
	for _, db := range copies {
		if got := dumped(t, db); got != want {
			t.Errorf("%s is not the original:\n%s", db.dialect.name, diff(want, got))
		}
	}
}

// Ids that PostgreSQL gives are behind those that came from elsewhere.
func TestCopyIsAPlanetThatGoesOn(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		original := planetToCopy(t, from)
		mustCopy(t, from, to)
		db := openDSN(t, to)
		for _, db := range []*DB{original, db} {
			config := []feeds.Source{folder("own"), remote("other"), remote("a"), remote("b"), remote("never"), remote("new")}
			configure(t, db, &feeds.Rules{}, config...)
			at := epoch.Add(48 * time.Hour)
			if got := visit(t, db, "new", at, in(post("n1", at), "Brand new"), in(post("n2", at), "Big")); got.New != 2 {
				t.Errorf("%+v", got)
			}
			if got := visit(t, db, "other", at, post("shared", epoch), post("o2", at)); got.New != 1 {
				t.Errorf("%+v", got)
			}
		}
		sound(t, db)
		const next = `SELECT 'source ' || id FROM sources WHERE slug = 'new' UNION ALL SELECT 'category ' || id FROM categories WHERE slug = 'brand-new'
			UNION ALL SELECT 'entry ' || max(id) FROM entries UNION ALL SELECT 'owed ' || max(id) FROM outbox ORDER BY 1`
		same(t, "new ids", column(t, db, next), column(t, original, next))
	})
}

func TestCopyThatIsBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, from, to string) {
		want := content(t, planetToCopy(t, from))
		broken, last := 0, 0
		for {
			ctx, cancel := context.WithCancel(t.Context())
			report, err := copyWith(ctx, from, to, func(done, total int) {
				if done <= total/2 || done > total/2+20 { // after every batch, and while rows are compared
					cancel()
				}
			}, copyBatch{rows: 12, bytes: 30_000})
			cancel()
			if err == nil {
				t.Fatalf("nobody broke off %+v", report)
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), to); !errors.Is(err, ErrUnfinished) {
				t.Fatalf("the copy is taken for a planet: %v", err)
			}
			rows := markOf(t, to).Rows
			if rows == last { // it is in the second half
				break
			}
			broken, last = broken+1, rows
		}
		report := mustCopy(t, from, to)
		if report.Resumed != report.Rows || report.Restarted || broken < 15 {
			t.Errorf("after %d ends: %+v", broken, report)
		}
		if got := content(t, openDSN(t, to)); got != want {
			t.Errorf("the copy is another store:\n%s", diff(want, got))
		}
	})
}

func markOf(t *testing.T, dsn string) *copyMark {
	t.Helper()
	db, err := openToRead(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mark, err := readMark(t.Context(), db.read)
	if err != nil || mark == nil {
		t.Fatalf("%s has no mark: %v", dsn, err)
	}
	return mark
}

func init() {
	children["copy"] = func(path string) error {
		from, to, _ := strings.Cut(path, " ")
		_, err := copyWith(context.Background(), from, to, func(done, total int) {
			if done <= total/2 {
				fmt.Println(done)
			}
		}, copyBatch{rows: 2, bytes: 1 << 20})
		return err
	}
}

func TestKilledCopyGoesOn(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		want := content(t, planetToCopy(t, from))
		runs := []int{1, 2, 3, 5, 8, 13}
		for _, n := range runs {
			lines := startChild(t, "copy", from+" "+to).kill(t, n)
			acknowledged := 0
			_, err := fmt.Sscan(lines[len(lines)-1], &acknowledged)
			if rows := markOf(t, to).Rows; err != nil || rows < acknowledged {
				t.Fatalf("%d rows were acknowledged, %d are there: %v", acknowledged, rows, err)
			}
		}
		report := mustCopy(t, from, to)
		if report.Resumed < 32 || report.Restarted {
			t.Errorf("%+v", report)
		}
		if got := content(t, openDSN(t, to)); got != want {
			t.Errorf("the copy is another store:\n%s", diff(want, got))
		}
	})
}

// What a running serve stores meanwhile is not in the copy, not even half of it.
func TestCopyIsOfOneMoment(t *testing.T) {
	pairs(t, func(t *testing.T, from, to string) {
		db := planetToCopy(t, from)
		want := content(t, db)
		n := 0
		_, err := copyWith(t.Context(), from, to, func(done, total int) {
			if n++; n%5 == 1 && n < 100 {
				at := epoch.Add(time.Duration(100+n) * time.Hour)
				visit(t, db, "other", at, in(post(fmt.Sprint("meanwhile", n), at), "Meanwhile"))
			}
		}, smallBatch)
		if err != nil {
			t.Fatal(err)
		}
		if got := content(t, openDSN(t, to)); got != want {
			t.Errorf("the copy is another store:\n%s", diff(want, got))
		}
	})
}

// The original is not even touched: it may be the last backup.
func TestCopyOnlyReads(t *testing.T) {
	path := storeFile(t)
	before := read(t, path)
	mustCopy(t, "sqlite:"+path, newDSN(t, "sqlite"))
	if string(read(t, path)) != string(before) {
		t.Error("the file was changed")
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("%v, %v: want nothing beside the file", files, err)
	}
}
