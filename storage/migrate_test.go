package storage

import (
	"fmt"
	"testing"

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
