package storage

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"orrery/feeds"
	"orrery/storage/pgtest"
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
	old := raw(t, path)
	mustExec(t, old, migrationOf(t, sqliteDialect, 1), fmt.Sprintf(`PRAGMA application_id = %d`, applicationID), `PRAGMA user_version = 1`,
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

// olderRows are entries of two sources that a store of schema 3 holds, in the words of both
// engines: some from before 1970, some withdrawn, more than an archive takes.
const olderRows = `
INSERT INTO sources (id, slug, url, config) VALUES (1, 'a', 'https://a.example/feed', '{"Title":"A"}'), (2, 'b', 'https://b.example/feed', '{}');
INSERT INTO categories (id, slug, fold, title) VALUES (1, 'c', 'c', 'C'), (2, 'd', 'd', 'D');
INSERT INTO entries (id, public_id, guid, copy_id, first_seen, sort, changed, withdrawn)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
  SELECT i, 'tag:planet.example,2026:' || i, 'https://a.example/' || i, i, 9, (i - 20) * 1000000000000 - 1, 9, CASE WHEN i %% 10 = 0 THEN 1 ELSE 0 END FROM n;
INSERT INTO copies (id, source_id, guid_hash, entry_id, born, hash, local, first_seen, sort, changed, withdrawn, categories, body)
  SELECT id, 1 + id %% 2, CAST('hash ' || id AS %s), id, id, 'h', 0, 9, sort, 9, withdrawn, '[{"Slug":"c","Title":"C"}]', '{"guid":"' || guid || '","title":"Post ' || id || '"}' FROM entries;
INSERT INTO entry_sources (source_id, sort, public_id, entry_id) SELECT 1 + id %% 2, sort, public_id, id FROM entries WHERE withdrawn = 0;
INSERT INTO entry_categories (category_id, sort, public_id, entry_id) SELECT 1, sort, public_id, id FROM entries WHERE withdrawn = 0;
INSERT INTO entry_categories (category_id, sort, public_id, entry_id) SELECT 2, sort, public_id, id FROM entries WHERE withdrawn = 0 AND id %% 3 = 0`

// What the entries of an older store give that it did not have, the archives and the
// months, is the same on both engines, and what they were is shown.
func TestOlderEntriesAreMigratedTheSameOnBothEngines(t *testing.T) {
	path := newPath(t)
	file := raw(t, path)
	for n := 1; n <= 3; n++ {
		mustExec(t, file, migrationOf(t, sqliteDialect, n))
	}
	mustExec(t, file, fmt.Sprintf(olderRows, "BLOB"), fmt.Sprintf(`PRAGMA application_id = %d`, applicationID), `PRAGMA user_version = 3`)
	file.Close()
	db := open(t, path)
	sound(t, db)
	shown := entries(t, db, feeds.Query{})
	made := column(t, db, olderMade)
	if len(shown) != 180 || shown[0].Title != "Post 199" || shown[0].Source.Slug != "b" || fmt.Sprint(shown[0].Categories) != "[{c C}]" || len(made) < 10 {
		t.Errorf("%d entries, the first is %+v; what was made: %q", len(shown), shown[0], made)
	}
	t.Run("postgres", func(t *testing.T) {
		leaveOutPostgres(t)
		url := pgtest.URL(t)
		server, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, server, migrationOf(t, postgres, 3), fmt.Sprintf(olderRows, "BYTEA"), `INSERT INTO meta (name, value) VALUES ('schema', '3')`)
		server.Close()
		db := openDSN(t, url)
		sound(t, db)
		if got := entries(t, db, feeds.Query{}); !reflect.DeepEqual(got, shown) {
			t.Errorf("%d entries, the first is %+v", len(got), got[0])
		}
		lines(t, "what was made", column(t, db, olderMade), made)
	})
}

const olderMade = `SELECT 'archive ' || list || ' ' || n || ': ' || entries FROM archives UNION ALL SELECT 'months ' || list || ': ' || counts FROM months ORDER BY 1`

func migrationOf(t *testing.T, d *dialect, n int) string {
	t.Helper()
	text, err := migrations.ReadFile(d.migration(n))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A program of before that still runs when a newer one has opened its store.
func TestOlderProgramWritesNothingBesideANewerOne(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		v := visitOf(claimed(t, db, "a", epoch), epoch, post("p", epoch))
		db.schema-- // the program is older than its store
		before := dump(t, db)
		if _, err := db.Commit(t.Context(), v); !errors.Is(err, ErrNewer) {
			t.Errorf("commit: %v", err)
		}
		if err := db.MendClock(t.Context(), epoch); !errors.Is(err, ErrNewer) {
			t.Errorf("a pass begins: %v", err)
		}
		if now := dump(t, db); now != before {
			t.Errorf("it wrote:\n%s", diff(before, now))
		}
		db.schema++
		commit(t, db, v)
	})
}
