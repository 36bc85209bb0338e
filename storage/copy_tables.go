package storage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// copiedTable is a table as Copy has it.
type copiedTable struct {
	name    string
	all     string   // its columns
	order   string   // of its rows, no two of which are equal in it; -: the greatest first
	cleared []string // columns that are 0 in a copy
	where   string   // which rows are copied
	small   bool     // it is quickly read whole

	columns []string
	key     []keyColumn
}

type keyColumn struct {
	at         int // in the columns
	descending bool
}

// copiedTables are all tables, those first that others refer to. A migration that adds
// a table or a column adds it here; TestCopyKnowsEveryTableAndColumn tells. The orders
// are those of an index of each engine: to sort a large table is slow.
var copiedTables = []*copiedTable{
	// Some names in meta are of the database itself.
	{name: "meta", all: "name value", order: "name", small: true, where: "name NOT IN ('schema', '" + metaCopying + "', '" + metaSearch + "')"},
	// Who claimed a source commits where he claimed it.
	{name: "sources", all: `id slug url config retired feed last_visit last_success next_visit retry_after failures gone last_error
		status lease fence answered_url etag last_modified body_hash rules host address moving pace answer backfill paused
		held same_as reader worker health`, order: "id", small: true, cleared: []string{"lease", "worker"}},
	{name: "listings", all: "source_id listing", order: "source_id"},
	{name: "entries", all: "id public_id guid copy_id first_seen sort changed withdrawn hidden held merged lists", order: "id"},
	{name: "copies", all: `id source_id guid_hash entry_id born joined hash revision revised local rank secure length first_seen
		sort changed updated withdrawn purged title keys sketch categories body`, order: "id"},
	{name: "copy_keys", all: "hash copy_id", order: "hash copy_id"},
	{name: "sketches", all: "hash sort copy_id", order: "hash sort copy_id"},
	{name: "ties", all: "a b kind at", order: "a b kind"},
	{name: "revisions", all: "copy_id n at body", order: "copy_id n"},
	{name: "categories", all: "id slug fold title configured", order: "id", small: true},
	{name: "category_entries", all: "category_id sort public_id entry_id", order: "category_id -sort public_id"},
	{name: "source_entries", all: "source_id sort public_id entry_id", order: "source_id -sort public_id"},
	{name: "versions", all: "scope seq changed", order: "scope", small: true},
	{name: "archives", all: "list n entries", order: "list n"},
	{name: "months", all: "list counts", order: "list"},
	{name: "tombstones", all: "list at entry_id", order: "list at entry_id"},
	{name: "outbox", all: "id entry_id event at", order: "id"},
	{name: "hosts", all: "host until", order: "host", small: true},
	// Whose turn it is, and who has a subscription in hand, is there and not here.
	{name: "listeners", all: "id name lease worker", order: "id", small: true, cleared: []string{"lease", "worker"}},
	{name: "deliveries", all: "listener_id given_up id entry_id event at tries retry failed error", order: "listener_id given_up id"},
	{name: "told", all: "listener_id entry_id has", order: "listener_id entry_id"},
	{name: "hub_subscriptions", all: `hash topic callback host rev secret expires mode serial new_secret lease reason asks ask_next
		changed told digest tries not_before called error next held`, order: "hash", cleared: []string{"held"}},
	{name: "push_subscriptions", all: `source_id rev hub topic id secret of_topic expires new_id new_secret new_topic asked tries error
		renew look looked next`, order: "source_id"},
}

// madeTables are those that every database makes of the others: by what texts are found.
var madeTables = []string{"search_index", "unindexed"}

func init() {
	for _, t := range copiedTables {
		t.columns = strings.Fields(t.all)
		for _, name := range strings.Fields(t.order) {
			name, descending := strings.CutPrefix(name, "-")
			t.key = append(t.key, keyColumn{slices.Index(t.columns, name), descending})
		}
	}
}

// filter is the condition of the rows that are copied, and of further ones.
func (c *copiedTable) filter(more string) string {
	var parts []string
	for _, p := range []string{c.where, more} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(parts, " AND ")
}

// question asks for the rows behind the key in their order, all if it is nil. What is
// cleared in a copy is read as 0 where it is copied from.
func (c *copiedTable) question(original bool, after []any) (string, []any) {
	list := slices.Clone(c.columns)
	for i, name := range list {
		if original && slices.Contains(c.cleared, name) {
			list[i] = "0 AS " + name
		}
	}
	var order []string
	for _, k := range c.key {
		if k.descending {
			order = append(order, c.columns[k.at]+" DESC")
		} else {
			order = append(order, c.columns[k.at])
		}
	}
	more, args := "", []any(nil)
	if after != nil {
		more, args = c.behind(after)
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + c.name + c.filter(more) + " ORDER BY " + strings.Join(order, ", "), args
}

// behind is the condition of rows that come after the key: a pair of ascending and
// descending columns cannot be compared as one.
func (c *copiedTable) behind(key []any) (string, []any) {
	var parts []string
	var args []any
	for n := range c.key {
		var part []string
		for i, k := range c.key[:n+1] {
			sign := " = ?"
			if i == n {
				sign = map[bool]string{false: " > ?", true: " < ?"}[k.descending]
			}
			part = append(part, c.columns[k.at]+sign)
			args = append(args, key[i])
		}
		parts = append(parts, strings.Join(part, " AND "))
	}
	first := c.columns[c.key[0].at] + " >= ?" // it follows from the rest, and lets an engine begin there
	return first + " AND (" + strings.Join(parts, " OR ") + ")", append([]any{key[0]}, args...)
}

// kind is what the values of a column are, whatever the engine makes of them.
type kind byte

const (
	kindNumber kind = 'i'
	kindText   kind = 't'
	kindBytes  kind = 'b'
)

// kinds are those of the columns, as the engine declares them.
func (c *copiedTable) kinds(ctx context.Context, tx *sql.Tx) ([]kind, error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(c.columns, ", ")+" FROM "+c.name+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	list := make([]kind, len(types))
	for i, t := range types {
		list[i] = map[string]kind{"INTEGER": kindNumber, "INT8": kindNumber, "TEXT": kindText, "BLOB": kindBytes, "BYTEA": kindBytes}[t.DatabaseTypeName()]
		if list[i] == 0 {
			return nil, fmt.Errorf("table %s, column %s: type %q is unknown", c.name, c.columns[i], t.DatabaseTypeName())
		}
	}
	return list, errors.Join(rows.Err(), rows.Close())
}

// of is the value as its column means it: SQLite keeps a text where bytes belong, too.
func (k kind) of(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case int64:
		if k == kindNumber {
			return v, nil
		}
	case string:
		switch k {
		case kindText:
			return v, nil
		case kindBytes:
			return []byte(v), nil
		}
	case []byte:
		switch k {
		case kindText:
			return string(v), nil
		case kindBytes:
			if v == nil {
				v = []byte{} // nil would be NULL
			}
			return v, nil
		}
	}
	return nil, fmt.Errorf("it holds a %T", v)
}

// each calls f for the rows of the table in their order, behind the key. What f is
// given it may keep.
func (c *copiedTable) each(ctx context.Context, tx *sql.Tx, original bool, after []any, f func(row []any) error) error {
	kinds, err := c.kinds(ctx, tx)
	if err != nil {
		return err
	}
	question, args := c.question(original, after)
	rows, err := tx.QueryContext(ctx, question, args...)
	if err != nil {
		return err
	}
	dest := make([]any, len(c.columns))
	return eachRow(rows, func() error {
		row := make([]any, len(c.columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i := range row {
			v, err := kinds[i].of(row[i])
			if err != nil {
				return c.complain(row, i, err)
			}
			row[i] = v
		}
		return f(row)
	})
}

func (c *copiedTable) keyOf(row []any) (key []any) {
	for _, k := range c.key {
		key = append(key, row[k.at])
	}
	return key
}

// complain says where the value stands that err is about.
func (c *copiedTable) complain(row []any, column int, err error) error {
	var where []string
	for _, k := range c.key {
		if b, ok := row[k.at].([]byte); ok {
			where = append(where, fmt.Sprintf("%s %x", c.columns[k.at], b))
		} else {
			where = append(where, fmt.Sprintf("%s %.100q", c.columns[k.at], fmt.Sprint(row[k.at])))
		}
	}
	return fmt.Errorf("table %s, row with %s, column %s: %w", c.name, strings.Join(where, ", "), c.columns[column], err)
}

// Why a text cannot be copied. The store promises that there is none such; what an
// older program or a person has written may break the promise.
var (
	errNUL     = errors.New("it holds a NUL byte, which PostgreSQL cannot keep; take it out of the database that is copied, and copy again")
	errNotUTF8 = errors.New("it is not valid UTF-8, which PostgreSQL cannot keep; mend it in the database that is copied, and copy again")
)

// forPostgres refuses what that engine cannot keep, which would not say where it is.
func (c *copiedTable) forPostgres(row []any) error {
	for i, v := range row {
		switch s, ok := v.(string); {
		case ok && strings.IndexByte(s, 0) >= 0:
			return c.complain(row, i, errNUL)
		case ok && !utf8.ValidString(s):
			return c.complain(row, i, errNotUTF8)
		}
	}
	return nil
}

// sizeOf is about how many bytes the row takes.
func sizeOf(row []any) (n int) {
	for _, v := range row {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
		n += 8
	}
	return n
}

// addRow adds the row to the hash: each value with its kind and its length, so that no
// two rows look alike.
func addRow(h hash.Hash, buf []byte, row []any) []byte {
	buf = buf[:0]
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			buf = append(buf, 'n')
		case int64:
			buf = binary.BigEndian.AppendUint64(append(buf, byte(kindNumber)), uint64(v))
		case string:
			buf = append(binary.BigEndian.AppendUint64(append(buf, byte(kindText)), uint64(len(v))), v...)
		case []byte:
			buf = append(binary.BigEndian.AppendUint64(append(buf, byte(kindBytes)), uint64(len(v))), v...)
		}
	}
	h.Write(buf)
	return buf
}

// tableSum is what is compared of a table.
type tableSum struct {
	rows int
	hash [sha256.Size]byte
}

// sum counts and hashes all rows of the table, and calls seen after each.
func (c *copiedTable) sum(ctx context.Context, tx *sql.Tx, original bool, seen func()) (s tableSum, err error) {
	h := sha256.New()
	var buf []byte
	err = c.each(ctx, tx, original, nil, func(row []any) error {
		buf = addRow(h, buf, row)
		s.rows++
		seen()
		return nil
	})
	h.Sum(s.hash[:0])
	return s, err
}

// count is the number of rows, and for a table that is not small the highest id.
func (c *copiedTable) count(ctx context.Context, tx *sql.Tx) (n int, highest int64, err error) {
	id := "0"
	if c.columns[c.key[0].at] == "id" {
		id = "coalesce(max(id), 0)"
	}
	err = tx.QueryRowContext(ctx, "SELECT count(*), "+id+" FROM "+c.name+c.filter("")).Scan(&n, &highest)
	return n, highest, err
}

// packKey makes of a key what JSON keeps byte for byte.
func packKey(key []any) (packed [][]byte) {
	for _, v := range key {
		switch v := v.(type) {
		case int64:
			packed = append(packed, strconv.AppendInt(nil, v, 10))
		case string:
			packed = append(packed, []byte(v))
		case []byte:
			packed = append(packed, v)
		}
	}
	return packed
}

// unpackKey is the key again.
func (c *copiedTable) unpackKey(kinds []kind, packed [][]byte) (key []any, err error) {
	if len(packed) != len(c.key) {
		return nil, fmt.Errorf("table %s: a key of %d values where %d belong", c.name, len(packed), len(c.key))
	}
	for i, k := range c.key {
		switch kinds[k.at] {
		case kindNumber:
			n, err := strconv.ParseInt(string(packed[i]), 10, 64)
			if err != nil {
				return nil, err
			}
			key = append(key, n)
		case kindText:
			key = append(key, string(packed[i]))
		default:
			key = append(key, packed[i])
		}
	}
	return key, nil
}
