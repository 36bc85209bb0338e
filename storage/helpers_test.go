package storage

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/storage/filetest"
	"orrery/storage/pgtest"
)

// epoch is when every test begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestMain also runs the children: this binary, started anew by a test.
func TestMain(m *testing.M) {
	if job := children[os.Getenv(childJob)]; job != nil {
		if err := job(os.Getenv(childPath)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := pgtest.Main(m)
	if millionDir != "" {
		_ = os.RemoveAll(millionDir)
	}
	os.Exit(code)
}

// each runs the test on every engine there is, with a new store.
func each(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, newFile(t))) })
	t.Run("postgres", func(t *testing.T) {
		if testing.Short() { // under the race detector: what is ours is the same, and was run
			t.Skip("PostgreSQL is left out of short tests")
		}
		test(t, openPG(t))
	})
}

// eachWith is each with several handles on the store, as processes have them.
func eachWith(t *testing.T, handles int, test func(t *testing.T, all []*DB)) {
	t.Run("sqlite", func(t *testing.T) {
		path := newFile(t)
		var all []*DB
		for range handles {
			all = append(all, open(t, path))
		}
		test(t, all)
	})
	t.Run("postgres", func(t *testing.T) {
		url := newURL(t)
		var all []*DB
		for range handles {
			db, err := Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { shut(t, db) })
			all = append(all, db)
		}
		test(t, all)
	})
}

// openPG is a new store on PostgreSQL, which understands what tests ask.
func openPG(t testing.TB) *DB {
	t.Helper()
	db, err := Open(t.Context(), newURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	return db
}

// newURL is the address of a new store.
func newURL(t testing.TB) string {
	t.Helper()
	return pgtest.Prepared(t, "store", func(url string) error {
		db, err := Open(context.Background(), url)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.write.ExecContext(context.Background(), `CREATE FUNCTION json_extract(body text, path text) RETURNS text LANGUAGE sql IMMUTABLE
		RETURN body::jsonb #>> string_to_array(substr(path, 3), '.');
		CREATE AGGREGATE group_concat(text, text) (sfunc = string_agg_transfn, stype = internal, finalfunc = string_agg_finalfn)`)
		return err
	})
}

// eachAddress is each with the address of a new store, for those that open it themselves.
func eachAddress(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+newFile(t)) })
	t.Run("postgres", func(t *testing.T) {
		leaveOutPostgres(t)
		test(t, newURL(t))
	})
}

// newFile is the path of a new store; newPath is one where nothing is yet.
func newFile(t testing.TB) string {
	t.Helper()
	path := newPath(t)
	filetest.Write(t, path, func(path string) error {
		db, err := Open(t.Context(), "sqlite:"+path)
		if err != nil {
			return err
		}
		return db.Close()
	})
	return path
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "orrery.db") }

// open opens the store and closes it when the test ends.
func open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	return db
}

func shut(t testing.TB, db *DB) {
	t.Helper()
	if _, long := t.(*testing.B); !long { // a bench has too much to look at
		if got, want, err := counts(context.Background(), db); err == nil { // else it was closed, or cannot be reached any more
			lines(t, "entries of the months as counted, beside those that are there", got, want)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// remote is a source as the configuration has it.
func remote(slug string) feeds.Source {
	return feeds.Source{Slug: slug, URL: "https://" + slug + ".example/feed.atom", Title: "Title of " + slug}
}

// folder is a source whose owner decides.
func folder(slug string) feeds.Source {
	return feeds.Source{Slug: slug, URL: "file:///posts/" + slug, Title: "Posts of " + slug}
}

// configure makes these the store's sources.
func configure(t testing.TB, db *DB, rules *feeds.Rules, sources ...feeds.Source) {
	t.Helper()
	if rules == nil {
		rules = &feeds.Rules{}
	}
	if err := db.Sync(t.Context(), epoch, sources, rules); err != nil {
		t.Fatal(err)
	}
}

func claim(t testing.TB, db *DB, want feeds.Want) []feeds.Due {
	t.Helper()
	if want.Start.IsZero() {
		want.Start = want.Now
	}
	if want.Lease == 0 {
		want.Lease = time.Hour
	}
	due, err := db.Claim(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	return due
}

// claimed claims the one source with the slug, whether it is due or not.
func claimed(t testing.TB, db *DB, slug string, now time.Time) feeds.Due {
	t.Helper()
	due := claim(t, db, feeds.Want{Now: now, N: 1, Slugs: []string{slug}})
	if len(due) != 1 {
		t.Fatalf("claimed %d sources called %s", len(due), slug)
	}
	return due[0]
}

// again claims a source that was visited before.
func again(t testing.TB, db *DB, d feeds.Due, now time.Time) feeds.Due {
	t.Helper()
	if err := db.Release(t.Context(), d, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return claimed(t, db, d.Source.Slug, now)
}

// visitOf is a visit that found the entries.
func visitOf(d feeds.Due, at time.Time, list ...feeds.Entry) feeds.Visit {
	v := feeds.Visit{
		Due: d, At: at, Next: at.Add(time.Hour), Outcome: feeds.Changed, Status: 200, Validators: d.Validators,
		Feed: &feeds.Feed{ID: "urn:x:" + d.Source.Slug, Title: "Feed of " + d.Source.Slug},
	}
	for _, e := range list {
		v.Feed.Entries = append(v.Feed.Entries, placed(e, at))
	}
	return v
}

// placed is an entry seen for the first time at the time.
func placed(e feeds.Entry, at time.Time) feeds.Entry {
	e.FirstSeen, e.Sort = at, e.Published
	if e.Sort.IsZero() || e.Sort.After(at) {
		e.Sort = at
	}
	e.Changed = e.Sort
	return e
}

func commit(t testing.TB, db *DB, v feeds.Visit) feeds.Tally {
	t.Helper()
	tally, err := db.Commit(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return tally
}

// visit claims the source and commits what a look at it found.
func visit(t testing.TB, db *DB, slug string, at time.Time, list ...feeds.Entry) feeds.Tally {
	t.Helper()
	return commit(t, db, visitOf(claimed(t, db, slug, at), at, list...))
}

// withdraw claims the folder and commits that the posts are gone.
func withdraw(t testing.TB, db *DB, slug string, at time.Time, guids ...string) feeds.Tally {
	t.Helper()
	v := visitOf(claimed(t, db, slug, at), at)
	v.Withdrawn = guids
	return commit(t, db, v)
}

// post is an entry with an address of its own.
func post(name string, published time.Time) feeds.Entry {
	return feeds.Entry{
		GUID: name, Permalink: "https://posts.example/" + name, Title: "Post " + name,
		Content: "<p>Text of " + name + "</p>", Published: published,
	}
}

// in puts the entry into the categories with the titles.
func in(e feeds.Entry, titles ...string) feeds.Entry {
	for _, t := range titles {
		e.Categories = append(e.Categories, feeds.CategoryName{Slug: feeds.Slug(t), Title: t})
	}
	return e
}

func entries(t testing.TB, db *DB, q feeds.Query) []feeds.Entry {
	t.Helper()
	list, err := db.Entries(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// only is the one entry of the planet.
func only(t testing.TB, db *DB) feeds.Entry {
	t.Helper()
	list := entries(t, db, feeds.Query{})
	if len(list) != 1 {
		t.Fatalf("the planet shows %d entries, not one: %q", len(list), titles(list))
	}
	return list[0]
}

func titles(list []feeds.Entry) []string {
	out := []string{}
	for i := range list {
		out = append(out, list[i].Title)
	}
	return out
}

func slugsOf(due []feeds.Due) []string {
	out := []string{}
	for i := range due {
		out = append(out, due[i].Source.Slug)
	}
	return out
}

// same fails the test unless the lists are equal.
func same[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// events are what the outbox holds, in order: the event and the entry's title.
func events(t testing.TB, db *DB) []string {
	t.Helper()
	return column(t, db, `SELECT o.event || ' ' || coalesce(json_extract(c.body, '$.title'), '') FROM outbox o JOIN entries e ON e.id = o.entry_id
		LEFT JOIN copies c ON c.id = e.copy_id ORDER BY o.id`)
}

// column is what a query for one column says, as text.
func column(t testing.TB, db *DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.read.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	err = eachRow(rows, func() error {
		var s string
		err := rows.Scan(&s)
		out = append(out, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// versions are the numbers of all scopes.
func versions(t testing.TB, db *DB) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, line := range column(t, db, `SELECT scope || '=' || seq FROM versions`) {
		scope, seq, _ := strings.Cut(line, "=")
		m[scope] = seq
	}
	return m
}

// raised are the scopes that rose since before, sorted.
func raised(t testing.TB, db *DB, before map[string]string) []string {
	t.Helper()
	now := versions(t, db)
	maps.DeleteFunc(now, func(scope, seq string) bool { return before[scope] == seq })
	return slices.Sorted(maps.Keys(now))
}

// dump is everything the store holds, a line a row.
func dump(t testing.TB, db *DB) string {
	t.Helper()
	var b strings.Builder
	names := `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`
	if db.dialect == postgres {
		names = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name`
	}
	for _, table := range column(t, db, names) {
		rows, err := db.read.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		lines := []string{}
		err = eachRow(rows, func() error {
			values, dest := make([]sql.RawBytes, len(names)), make([]any, len(names))
			for i := range values {
				dest[i] = &values[i]
			}
			err := rows.Scan(dest...)
			if i := slices.Index(names, "worker"); i >= 0 {
				values[i] = nil // a number of chance
			}
			lines = append(lines, fmt.Sprintf("%s %q\n", table, values))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, ""))
	}
	return b.String()
}

// sound fails the test if the file is damaged, or its tables contradict each other.
func sound(t testing.TB, db *DB) {
	t.Helper()
	if db.dialect == sqliteDialect {
		same(t, "integrity_check", column(t, db, `PRAGMA integrity_check`), []string{"ok"})
		same(t, "rows that refer to nothing", column(t, db, `SELECT "table" FROM pragma_foreign_key_check`), []string{})
	}
	concat := "group_concat"
	if db.dialect == postgres {
		concat = "string_agg"
	}
	for what, query := range map[string]string{
		"shown entries without a copy":       `SELECT id FROM entries e WHERE withdrawn = 0 AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.id = e.copy_id AND c.entry_id = e.id AND c.withdrawn = 0)`,
		"shown entries in no source's list":  `SELECT id FROM entries e WHERE withdrawn = 0 AND NOT EXISTS (SELECT 1 FROM source_entries s WHERE s.entry_id = e.id)`,
		"hidden entries in a list":           `SELECT id FROM entries e JOIN source_entries s ON s.entry_id = e.id WHERE withdrawn = 1`,
		"places of nobody in a category":     `SELECT entry_id FROM category_entries l WHERE NOT EXISTS (SELECT 1 FROM categories c WHERE c.id = l.category_id) OR NOT EXISTS (SELECT 1 FROM entries e WHERE e.id = l.entry_id AND e.withdrawn = 0 AND e.sort = l.sort AND e.public_id = l.public_id)`,
		"places of nobody in a source":       `SELECT entry_id FROM source_entries l WHERE NOT EXISTS (SELECT 1 FROM sources s WHERE s.id = l.source_id) OR NOT EXISTS (SELECT 1 FROM entries e WHERE e.id = l.entry_id AND e.withdrawn = 0 AND e.sort = l.sort AND e.public_id = l.public_id)`,
		"entries that say other lists":       `SELECT e.id FROM entries e LEFT JOIN (SELECT entry_id, ` + concat + `(list, ' ') AS lists FROM (SELECT entry_id, 0 AS kind, source_id AS id, 's' || source_id AS list FROM source_entries UNION ALL SELECT entry_id, 1, category_id, 'c' || category_id FROM category_entries ORDER BY 1, 2, 3) x GROUP BY entry_id) l ON l.entry_id = e.id WHERE e.lists <> coalesce(l.lists, '')`,
		"copies of no entry":                 `SELECT id FROM copies WHERE entry_id IS NULL`,
		"copies of a merged entry":           `SELECT c.id FROM copies c JOIN entries e ON e.id = c.entry_id WHERE e.merged <> 0`,
		"copies not found by their keys":     `SELECT id FROM copies c LEFT JOIN (SELECT copy_id, count(*) AS n FROM copy_keys GROUP BY copy_id) k ON k.copy_id = c.id WHERE length(keys) <> 17 * coalesce(k.n, 0)`,
		"copies not found by their text":     `SELECT id FROM copies c LEFT JOIN (SELECT copy_id, count(*) AS n FROM sketches GROUP BY copy_id) s ON s.copy_id = c.id WHERE length(sketch) <> 8 * coalesce(s.n, 0)`,
		"entries that stand elsewhere":       `SELECT e.id FROM entries e JOIN source_entries s ON s.entry_id = e.id WHERE s.sort <> e.sort OR s.public_id <> e.public_id`,
		"deliveries of no row of the outbox": `SELECT d.id FROM deliveries d WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.id = d.id AND o.entry_id = d.entry_id)`,
		"entries shown and told withdrawn":   `SELECT e.id FROM entries e JOIN (SELECT entry_id, max(id) AS id FROM outbox GROUP BY entry_id) last ON last.entry_id = e.id JOIN outbox o ON o.id = last.id WHERE e.withdrawn = 0 AND o.event = 'withdrawn'`,
	} {
		same(t, what, column(t, db, query), []string{})
	}
	countedWell(t, db)
}
