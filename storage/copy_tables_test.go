package storage

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// schemaOf are the columns of all tables, sorted: "table.column kind".
func schemaOf(t *testing.T, db *DB) []string {
	t.Helper()
	if db.dialect == postgres {
		return column(t, db, `SELECT table_name || '.' || column_name || ' ' || CASE data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' ELSE upper(data_type) END
			FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name COLLATE "C", column_name COLLATE "C"`)
	}
	return column(t, db, `SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.name`)
}

// A migration that adds a table or a column must not be forgotten: what is not copied
// is not compared either.
func TestCopyKnowsEveryTableAndColumn(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		var got []string
		seen := map[string]bool{}
		err := db.snapshot(t.Context(), func(tx *sql.Tx) error {
			for _, table := range copiedTables {
				seen[table.name] = true
				kinds, err := table.kinds(t.Context(), tx)
				if err != nil {
					return err
				}
				for i, name := range table.columns {
					got = append(got, table.name+"."+name+" "+map[kind]string{kindNumber: "INTEGER", kindText: "TEXT", kindBytes: "BLOB"}[kinds[i]])
				}
				for _, k := range table.key {
					if k.at < 0 {
						t.Errorf("%s is ordered by a column that it does not have: %s", table.name, table.order)
					}
				}
				if table.key[0].descending {
					t.Errorf("%s: behind wants an ascending column first", table.name)
				}
				if db.dialect == postgres {
					continue
				}
				for _, parent := range column(t, db, `SELECT "table" FROM pragma_foreign_key_list($1)`, table.name) {
					if !seen[parent] {
						t.Errorf("%s is copied before %s, to which it refers", table.name, parent)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		there := slices.DeleteFunc(schemaOf(t, db), func(column string) bool {
			table, _, _ := strings.Cut(column, ".")
			return slices.Contains(madeTables, table)
		})
		same(t, "what is copied", got, there)
	})
}

// A sort of a large table takes its room once more, and stops a copy for minutes.
func TestCopyReadsInTheOrderOfAnIndex(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		err := db.snapshot(t.Context(), func(tx *sql.Tx) error {
			if err := patient(t.Context(), tx, db.dialect); err != nil {
				return err
			}
			for _, table := range copiedTables {
				question, _ := table.question(true, nil)
				explain := "EXPLAIN " + question
				if db.dialect == sqliteDialect {
					explain = "EXPLAIN QUERY PLAN " + question
				}
				rows, err := tx.QueryContext(t.Context(), explain)
				if err != nil {
					return err
				}
				names, _ := rows.Columns()
				err = eachRow(rows, func() error {
					values, dest := make([]any, len(names)), make([]any, len(names))
					for i := range values {
						dest[i] = &values[i]
					}
					err := rows.Scan(dest...)
					if plan := fmt.Sprint(values...); strings.Contains(plan, "B-TREE") || strings.Contains(plan, "Sort") {
						t.Errorf("%s: %s", table.name, plan)
					}
					return err
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
	})
}

// Every key, also of several columns and of both directions, says where to go on.
func TestBatchBeginsBehindTheLastRow(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			db := planetToCopy(t, newDSN(t, engine))
			for _, table := range copiedTables {
				rows := copiedRows(t, db, table, nil)
				if len(rows) == 0 {
					t.Errorf("%s: nothing is tested", table.name)
				}
				kinds := kindsOf(t, db, table)
				for i, row := range rows {
					key, err := table.unpackKey(kinds, packKey(table.keyOf(row)))
					if err != nil {
						t.Fatal(err)
					}
					if rest := copiedRows(t, db, table, key); fmt.Sprintf("%q", rest) != fmt.Sprintf("%q", rows[i+1:]) {
						t.Errorf("%s: behind row %d of %d are %d", table.name, i, len(rows), len(rest))
					}
				}
			}
		})
	}
}

func copiedRows(t *testing.T, db *DB, table *copiedTable, after []any) (rows [][]any) {
	t.Helper()
	err := db.snapshot(t.Context(), func(tx *sql.Tx) error {
		return table.each(t.Context(), tx, true, after, func(row []any) error {
			rows = append(rows, row)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func kindsOf(t *testing.T, db *DB, table *copiedTable) (kinds []kind) {
	t.Helper()
	err := db.snapshot(t.Context(), func(tx *sql.Tx) (err error) {
		kinds, err = table.kinds(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(kinds)
}

func TestNoTwoRowsHaveOneHash(t *testing.T) {
	seen := map[string]string{}
	for _, row := range [][]any{
		{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {[]byte("abc")}, {"abc", nil}, {nil, "abc"}, {nil}, {""}, {[]byte{}}, {},
		{int64(1)}, {"1"}, {[]byte("1")}, {int64(-1)}, {int64(0)}, {int64(256)}, {"\x00"}, {"\x00\x00"},
	} {
		h := sha256.New()
		addRow(h, []byte("what was there"), row)
		sum := string(h.Sum(nil))
		if other, ok := seen[sum]; ok {
			t.Errorf("%q has the hash of %s", row, other)
		}
		seen[sum] = fmt.Sprintf("%q", row)
	}
}
