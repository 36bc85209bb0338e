package storage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func schemaNow(t *testing.T) int {
	t.Helper()
	n, err := sqliteDialect.newest()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Every older schema is migrated with what is stored in it. A store of each was
// made of nothing but its own migrations, as the program of its time did.
func TestOlderSchemaIsMigratedWithAllItHolds(t *testing.T) {
	path := newPath(t)
	first, err := migrations.ReadFile("migrations/sqlite/1.sql")
	if err != nil {
		t.Fatal(err)
	}
	old := raw(t, path)
	mustExec(t, old, string(first), fmt.Sprintf(`PRAGMA application_id = %d`, applicationID), `PRAGMA user_version = 1`,
		`INSERT INTO sources (slug, url, config, last_visit, last_success, etag) VALUES ('a', 'https://a.example/feed', '{"Title":"A"}', 5, 5, '"1"')`)
	old.Close()
	db := open(t, path)
	list, err := db.Sources(t.Context())
	if err != nil || len(list) != 1 || list[0].Title != "A" || list[0].Asked() != "https://a.example/feed" {
		t.Fatalf("%v, %+v", err, list)
	}
	configure(t, db, nil, feeds.Source{Slug: "a", URL: "https://a.example/feed", Title: "A"})
	due := claim(t, db, feeds.Want{Now: epoch, N: 1})
	if len(due) != 1 || !due[0].Reread || due[0].Validators.ETag != "" || due[0].Source.Host() != "a.example" {
		t.Errorf("what an older program read is not asked for whole: %+v", due)
	}
}

// The lists of an older store are those that they were, in their order.
func TestListsOfAnOlderSchemaAreAsTheyWere(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		for n, slug := range []string{"a", "b"} {
			visit(t, db, slug, epoch, in(post("one", epoch), "C"), in(post(fmt.Sprint("two", n), epoch.Add(time.Hour)), "C", "D"), post("three", epoch))
		}
		lists := func() (all []string) {
			for _, table := range []string{"entry_sources", "entry_categories"} {
				of := map[string]string{"entry_sources": "source_id", "entry_categories": "category_id"}[table]
				all = append(all, column(t, db, `SELECT `+of+` || ' ' || sort || ' ' || public_id || ' ' || entry_id FROM `+table+` ORDER BY `+of+`, sort DESC, public_id`)...)
			}
			return all
		}
		want := lists()
		if len(want) < 10 {
			t.Fatalf("only %q are listed; the test tests nothing", want)
		}
		for list, of := range map[string]string{"sources": "source_id", "categories": "category_id"} {
			back := []string{
				`CREATE TABLE old_LIST AS SELECT * FROM entry_LIST`,
				`DROP TABLE entry_LIST`,
				`CREATE TABLE entry_LIST (LIST_ID BIGINT NOT NULL REFERENCES LIST (id), sort BIGINT NOT NULL, public_id TEXT NOT NULL, entry_id BIGINT NOT NULL REFERENCES entries (id))`,
				`INSERT INTO entry_LIST SELECT * FROM old_LIST`,
				`DROP TABLE old_LIST`,
			}
			if db.dialect == postgres {
				back = []string{`ALTER TABLE entry_LIST ADD FOREIGN KEY (LIST_ID) REFERENCES LIST (id), ADD FOREIGN KEY (entry_id) REFERENCES entries (id)`}
			}
			for _, text := range back {
				mustExec(t, db.write, strings.NewReplacer("LIST_ID", of, "LIST", list).Replace(text))
			}
		}
		if err := setSchema(t, db, 8); err != nil {
			t.Fatal(err)
		}
		if err := db.migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "lists", lists(), want)
		if db.dialect == postgres {
			same(t, "what they refer to", column(t, db, `SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('entry_sources'::regclass, 'entry_categories'::regclass)`), []string{})
		}
		sound(t, db)
		visit(t, db, "a", epoch.Add(2*time.Hour), in(post("four", epoch.Add(2*time.Hour)), "D"))
		same(t, "D", guids(entries(t, db, feeds.Query{Category: "d"})), []string{"four", "two0", "two1"})
	})
}

// setSchema has the store say that it has an older schema.
func setSchema(t *testing.T, db *DB, n int) error {
	t.Helper()
	tx, err := db.write.BeginTx(t.Context(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a Commit it does nothing
	if err := db.dialect.setVersion(t.Context(), tx, n); err != nil {
		return err
	}
	return tx.Commit()
}
