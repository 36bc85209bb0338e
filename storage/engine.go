package storage

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dialect is in what the engines differ. The text of questions is one: SQLite's,
// which PostgreSQL's driver of ours translates (translate).
type dialect struct {
	name string // of the folder of its migrations
	// version is the schema of a database, 0 for an empty one, and an error for one of
	// others or of a newer program.
	version    func(ctx context.Context, q queryer, newest int) (int, error)
	setVersion func(ctx context.Context, tx *sql.Tx, n int) error
	// unhurried has a transaction take as long as it takes; "": it does.
	unhurried string
	// schema asks one of ours for its schema.
	schema string
	// alone has a transaction wait until it is the only one that writes entries. What is
	// the same post is decided by looking at all that are stored. All others wait for it
	// then, so that it is ended if nothing is said in it for so long; 0: as any other.
	alone func(ctx context.Context, tx *sql.Tx, idle time.Duration) error
	// raised has those who listen told that versions were raised; nil: there are none.
	raised func(ctx context.Context, tx *sql.Tx) error
	// reading are the options of a transaction that sees one state of the store.
	reading sql.TxOptions
	// pick makes of a question for the ids and hosts of sources one for those that nobody
	// else is changing, in the same order. It keeps them from others, with hosts also
	// their hosts, and says whether the transaction may claim sources of the host, which
	// one at a time may, and what time the clock has, 0 for one that is ours.
	pick func(question, clock string, hosts bool) string
	// locked, behind a question for rows that are to be changed, keeps them from others, in
	// their order; skipped leaves out those that others have.
	locked, skipped string

	clock string // its time in microseconds since 1970; "": it is ours
	// measure has the engine look how many sources there are, "" for one that need not:
	// else it takes a new planet's for few and sorts them all for every claim.
	measure string
	// backup writes a copy of the store to an empty file.
	backup func(ctx context.Context, db *DB, path string) error
	// authors asks for the names under which shown entries were written, and their number.
	authors string
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// schemas are the numbers of the migrations of the dialect, in order. An engine that
// came later begins with the schema that there was then.
func (d *dialect) schemas() (list []int, err error) {
	files, err := fs.ReadDir(migrations, path.Join("migrations", d.name))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		n, err := strconv.Atoi(strings.TrimSuffix(f.Name(), ".sql"))
		if err != nil {
			return nil, fmt.Errorf("the schemas for %s: %w", d.name, err)
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return list, nil
}

func (d *dialect) migration(n int) string {
	return path.Join("migrations", d.name, strconv.Itoa(n)+".sql")
}

// newest is the schema that this program writes.
func (d *dialect) newest() (int, error) {
	list, err := d.schemas()
	if err != nil {
		return 0, err
	}
	return list[len(list)-1], nil
}

// schemaVersion is the schema of the database.
func (d *dialect) schemaVersion(ctx context.Context, q queryer) (int, error) {
	newest, err := d.newest()
	if err != nil {
		return 0, err
	}
	return d.version(ctx, q, newest)
}

// translate makes of a text for SQLite one for PostgreSQL: places without numbers get
// those that follow, and the order in which tables are looked at is nobody's wish.
func translate(text string) string {
	text = strings.ReplaceAll(text, "CROSS JOIN", "JOIN")
	if !strings.Contains(text, "?") {
		return text
	}
	var b strings.Builder
	last := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '$':
			j := i + 1
			for j < len(text) && '0' <= text[j] && text[j] <= '9' {
				j++
			}
			if n, err := strconv.Atoi(text[i+1 : j]); err == nil {
				last = max(last, n)
			}
			b.WriteString(text[i:j])
			i = j - 1
		case c == '?':
			last++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(last))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
