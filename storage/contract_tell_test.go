package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/feeds"
	"orrery/storage/pgtest"
)

// bothSay runs tell on every engine and wants the same lines of all, which it returns.
func bothSay(t *testing.T, tell func(t *testing.T, db *DB) []string) (lines []string) {
	t.Helper()
	leaveOutPostgres(t) // and with it the test: one engine alone agrees with itself
	each(t, func(t *testing.T, db *DB) {
		said := tell(t, db)
		if lines == nil {
			lines = said
			sound(t, db) // and so is the other, where it has the same rows
		}
		agree(t, lines, said)
	})
	return lines
}

// agree wants the same lines of SQLite and of another.
func agree(t *testing.T, sqlite, other []string) {
	t.Helper()
	if len(sqlite) == 0 || len(sqlite) != len(other) {
		t.Errorf("SQLite says %d lines, the other %d", len(sqlite), len(other))
	}
	const shown = 10
	n := 0
	for i := range min(len(sqlite), len(other)) {
		if sqlite[i] == other[i] {
			continue
		}
		x, y := apart(sqlite[i], other[i])
		t.Errorf("line %d:\nSQLite %s\nother  %s", i, x, y)
		if n++; n == shown {
			return
		}
	}
}

// openOtherwise is a store on PostgreSQL in a database whose texts are in the order of a
// language, as most are that people make.
func openOtherwise(t *testing.T) *DB {
	t.Helper()
	address, name := pgtest.URL(t), "otherwise"
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		_, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+name+` TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'`); err != nil {
		t.Fatal(err)
	}
	c := conn.Config()
	db, err := Open(ctx, fmt.Sprintf("postgres://%s@%s:%d/%s?sslmode=disable", c.User, c.Host, c.Port, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	return db
}

// apart is where two lines begin to differ, and what they are of.
func apart(a, b string) (x, y string) {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	part := func(s string) string {
		return s[:min(len(s), 80)] + " … " + s[max(0, min(i-60, len(s))):min(len(s), i+200)]
	}
	return part(a), part(b)
}

// spell is an entry to the last byte.
func spell(e feeds.Entry) string {
	s, o := e.Source, e.Origin
	e.Source, e.Origin = nil, nil
	out := fmt.Sprintf("%#v", e)
	if s != nil {
		out += fmt.Sprintf(" %#v", *s)
	}
	if o != nil {
		out += fmt.Sprintf(" %#v", *o)
	}
	return out
}

// engineOwn are columns that two engines need not have in common: who holds what until
// when, by the clock of the engine, and numbers that PostgreSQL also gives to rows that
// then were there already. What has such a number is known by its slug.
var engineOwn = map[string]bool{"sources.lease": true, "sources.worker": true, "categories.id": true}

// rowsOf is every row of the store, in no order but its own. It fails the test where a
// text is not one.
func rowsOf(t *testing.T, db *DB) []string {
	t.Helper()
	var lines []string
	slugs := map[string]string{} // of categories, by what they are called in entries.lists
	for _, c := range column(t, db, `SELECT 'c' || id || ' ' || slug FROM categories`) {
		word, slug, _ := strings.Cut(c, " ")
		slugs[word] = slug
	}
	for _, table := range []string{"sources", "listings", "entries", "copies", "copy_keys", "sketches", "ties", "revisions",
		"categories", "category_entries", "source_entries", "versions", "outbox", "hosts"} {
		query := "SELECT * FROM " + table
		if table == "category_entries" {
			query = "SELECT c.slug, o.sort, o.public_id, o.entry_id FROM category_entries o LEFT JOIN categories c ON c.id = o.category_id"
		}
		rows, err := db.read.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		types, err := rows.ColumnTypes()
		if err != nil {
			t.Fatal(err)
		}
		var some []string
		if err := eachRow(rows, func() error {
			values, dest := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				dest[i] = &values[i]
			}
			err := rows.Scan(dest...)
			var cells []string
			for i, v := range values {
				switch s := v.(type) {
				case []byte:
					v = string(s) // SQLite has the empty text for no bytes
				case string:
					if types[i].DatabaseTypeName() == "TEXT" && !isStorable(s) {
						t.Errorf("%s.%s is no text: %q", table, names[i], s)
					}
				}
				if table == "entries" && names[i] == "lists" {
					words := strings.Fields(v.(string))
					for k, word := range words {
						words[k] = cmp.Or(slugs[word], word)
					}
					slices.Sort(words)
					v = strings.Join(words, " ")
				}
				if !engineOwn[table+"."+names[i]] {
					cells = append(cells, fmt.Sprintf("%s=%#v", names[i], v))
				}
			}
			slices.Sort(cells) // columns that came later stand elsewhere
			some = append(some, table+" "+strings.Join(cells, " "))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(some)
		lines = append(lines, some...)
	}
	return lines
}

// everything is what the store answers to every question, and then its rows.
func everything(t *testing.T, db *DB) (lines []string) {
	t.Helper()
	add := func(what string, v any) { lines = append(lines, fmt.Sprintf("%s: %#v", what, v)) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	all := entries(t, db, feeds.Query{})
	for i, e := range all {
		lines = append(lines, "entry "+spell(e))
		if i > 500 && i%20 > 0 && e.Revision == 0 { // of many alike some are enough
			continue
		}
		versions, err := db.Versions(t.Context(), e.ID)
		must(err)
		for _, v := range versions {
			lines = append(lines, fmt.Sprintf("version %d %v %s", v.N, v.At, spell(v.Entry)))
		}
		for _, name := range []string{e.ID, e.Permalink} {
			why, err := db.Why(t.Context(), name)
			must(err)
			add("why "+name, why)
		}
	}
	ask := func(what string, q feeds.Query) {
		var ids []string
		for _, e := range entries(t, db, q) {
			ids = append(ids, e.ID)
		}
		seq, changed, err := db.Version(t.Context(), q)
		must(err)
		add(what, fmt.Sprint(ids, seq, changed))
	}
	for i := 0; i < len(all); i += 1 + len(all)/50 {
		ask("after", feeds.Query{After: &all[i], Limit: 20, Open: true})
	}
	sources, err := db.Sources(t.Context())
	must(err)
	for _, s := range sources {
		add("source", s)
		ask("source "+s.Slug, feeds.Query{Source: s.Slug})
	}
	categories, err := db.Categories(t.Context())
	must(err)
	for i, c := range categories {
		add("category", c)
		if i > 100 && i%20 > 0 {
			continue
		}
		ask("category "+c.Slug, feeds.Query{Category: c.Slug, Limit: 20, Open: true})
	}
	moved, err := db.Moved(t.Context())
	must(err)
	add("moved", moved)
	authors, err := db.Authors(t.Context())
	must(err)
	add("authors", authors)
	held, err := db.Held(t.Context())
	must(err)
	add("held", held)
	t.Logf("%d entries of %d sources in %d categories", len(all), len(sources), len(categories))
	return append(lines, rowsOf(t, db)...)
}

// answered is one visit to a source that answers with the document: what its tally is, and
// what is known before and after.
func answered(t *testing.T, db *DB, rules *feeds.Rules, slug, kind string, body []byte, at time.Time, change func(*feeds.Feed)) []string {
	t.Helper()
	d := claimed(t, db, slug, at)
	v := feeds.Visit{Due: d, At: at, Next: at.Add(time.Hour), Outcome: feeds.Changed, Status: 200}
	f, err := feeds.Read(body, kind, d.Source.URL)
	if err != nil {
		v.Outcome, v.Err = feeds.Failed, err
		return []string{fmt.Sprintf("%s: %v %#v", slug, err, commit(t, db, v))}
	}
	feeds.Normalize(f, d.Source.URL)
	if change != nil {
		change(f)
	}
	var guids []string
	for i := range f.Entries {
		f.Entries[i] = placed(f.Entries[i], at)
		f.Entries[i].Categories = rules.For(&f.Entries[i], &d.Source)
		guids = append(guids, f.Entries[i].GUID)
	}
	v.Feed, v.Listed = f, guids
	lines := []string{fmt.Sprintf("%s: %#v", slug, commit(t, db, v))}
	known, err := db.Known(t.Context(), d.Source.ID, append(guids, oddTexts...))
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{}
	for i := range f.Entries {
		if stored[string(hashOf(f.Entries[i].GUID))], _, err = encode(&f.Entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.read.QueryContext(t.Context(), `SELECT guid_hash, body FROM copies WHERE source_id = $1`, d.Source.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := eachRow(rows, func() error {
		var hash, body string
		err := rows.Scan(&hash, &body)
		if want, ok := stored[hash]; ok && body != want {
			t.Errorf("%s: stored is\n%.500q, want\n%.500q", slug, body, want)
		}
		delete(stored, hash)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(stored) > 0 {
		t.Errorf("%s: %d entries were not stored", slug, len(stored))
	}
	return append(lines, fmt.Sprintf("%s: %#v", slug, known))
}
