package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// What a server may take. A worker that is stopped in the middle of a commit must not
// hold up all others, and a network that is cut says nothing.
const (
	postgresConnect   = 10 * time.Second
	postgresStatement = 5 * time.Minute // to wait for a long commit of another counts
	// postgresIdle is how long a server waits between two statements of a transaction: all
	// others wait for the one that commits, and their leases must not end meanwhile.
	postgresIdle = 2 * time.Second
	// idleVisits is that of claims and commits of visits, which have little to do in
	// between: whom they have locked nobody else can claim, though the lease has ended.
	idleVisits = 500 * time.Millisecond
	// postgresUnread is how long a server keeps what it has to say for somebody who does not
	// take it: while it does, none of its own limits ends his transaction.
	postgresUnread = 15 * time.Second
	// postgresPatience is how long a server may say nothing to somebody who waits for it.
	postgresPatience = postgresStatement + time.Minute
	// postgresMigration is how long to another schema may take.
	postgresMigration = 24 * time.Hour
)

// writersLock is the advisory lock of whoever writes entries ("Orry"), one a database.
const writersLock = 0x4F727279

var postgres = &dialect{
	name:      "postgres",
	version:   postgresVersion,
	unhurried: `SET LOCAL statement_timeout = 0`,
	setVersion: func(ctx context.Context, tx *sql.Tx, n int) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('schema', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, fmt.Sprint(n))
		return err
	},
	schema:  `SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'schema'`,
	alone:   postgresAlone,
	raised:  postgresRaised,
	reading: sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
	pick:    postgresPick,
	measure: `ANALYZE sources`,
	clock:   `CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)`,
	locked:  ` FOR UPDATE`,
	skipped: ` FOR UPDATE SKIP LOCKED`,
	backup: func(context.Context, *DB, string) error {
		return errors.New("a PostgreSQL database is backed up with pg_dump, which comes with it; orrery copy makes an SQLite file of it")
	},
	authors: `SELECT a ->> 'name', count(DISTINCT e.id)
		FROM entries e JOIN copies c ON c.id = e.copy_id, jsonb_array_elements(c.body::jsonb -> 'authors') a
		WHERE e.withdrawn = 0 AND a ->> 'name' <> '' GROUP BY 1`,
}

// postgresPick locks the rows and the hosts of what is due. That it is in an inner
// question has the limit hold for the locks, of which there are not as many as one likes.
// Who stops then has it ended sooner than other transactions.
func postgresPick(question, clock string, hosts bool) string {
	lock := `FALSE`
	if hosts {
		lock = fmt.Sprintf(`pg_try_advisory_xact_lock(%d, hashtext(host))`, writersLock)
	}
	return fmt.Sprintf(`SELECT id, host, %s, %s FROM (%s FOR UPDATE OF sources SKIP LOCKED) AS due
		WHERE set_config('idle_in_transaction_session_timeout', '%d', true) <> ''`, lock, clock, question, idleVisits.Milliseconds())
}

// postgresAlone waits for the lock of whoever writes entries. Who is stopped while he waits
// gets it all the same: how long he may keep it is said with the same question.
func postgresAlone(ctx context.Context, tx *sql.Tx, idle time.Duration) error {
	text, args := `SELECT pg_advisory_xact_lock($1)`, []any{int64(writersLock)}
	if idle > 0 {
		text = `SELECT set_config('idle_in_transaction_session_timeout', $2, true), pg_advisory_xact_lock($1)`
		args = append(args, fmt.Sprint(idle.Milliseconds()))
	}
	_, err := tx.ExecContext(ctx, text, args...)
	return err
}

// openPostgres opens the database at the address, as psql takes it.
func openPostgres(ctx context.Context, address string, e engine) (*DB, error) {
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("the address cannot be read; write postgres://USER:PASSWORD@HOST/DATABASE") // the error may hold the password
	}
	answer := min(postgresConnect, e.patience)
	c.ConnectTimeout = answer
	for name, value := range map[string]string{
		"application_name": "orrery", "client_encoding": "UTF8", "timezone": "UTC",
		"statement_timeout":                   fmt.Sprint(postgresStatement.Milliseconds()),
		"idle_in_transaction_session_timeout": fmt.Sprint(postgresIdle.Milliseconds()),
		"tcp_user_timeout":                    fmt.Sprint(postgresUnread.Milliseconds()),
	} {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
	pooled := *c
	db := &DB{dialect: postgres, listen: func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, c) }}
	pooled.DialFunc = dialPatiently(c.DialFunc, func() time.Duration {
		if db.migrating.Load() { // who changes every row says nothing until he has
			return postgresMigration
		}
		return e.patience
	})
	var connector driver.Connector = postgresConnector{stdlib.GetConnector(pooled), answer}
	if e.through != nil {
		connector = e.through(connector)
	}
	open := func(n int) *sql.DB {
		db := sql.OpenDB(connector)
		db.SetMaxOpenConns(n)
		db.SetMaxIdleConns(n)
		db.SetConnMaxIdleTime(5 * time.Minute)
		return db
	}
	// One that commits, one that claims meanwhile, one that indexes, one for a person.
	db.write, db.read = open(4), open(2*runtime.NumCPU())
	if err := db.write.PingContext(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

func postgresVersion(ctx context.Context, q queryer, newest int) (int, error) {
	var ours, others bool
	if err := q.QueryRowContext(ctx, `SELECT to_regclass('sources') IS NOT NULL AND to_regclass('meta') IS NOT NULL,
		EXISTS (SELECT 1 FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace(current_schema()))`).Scan(&ours, &others); err != nil {
		return 0, err
	}
	switch {
	case !ours && others:
		return 0, ErrForeign
	case !ours:
		return 0, nil
	}
	var version int
	err := q.QueryRowContext(ctx, `SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'schema'`).Scan(&version)
	switch {
	case err != nil:
		return 0, err
	case version > newest:
		return 0, ErrNewer
	}
	return version, nil
}

// postgresConnector opens connections that take the texts of the other engine.
type postgresConnector struct {
	driver.Connector
	answer time.Duration // see postgresConn
}

func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &postgresConn{inner.(*stdlib.Conn), c.answer}, nil
}

// postgresConn is a connection of pgx's with translated texts and values.
type postgresConn struct {
	*stdlib.Conn
	answer time.Duration // how long it may take to say that it still stands
}

// ResetSession asks a connection that was idle whether it still stands. One that the
// network has forgotten does not say no, and should not be waited for as if it worked.
func (c *postgresConn) ResetSession(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.answer)
	defer cancel()
	return c.Conn.ResetSession(ctx)
}

var translated sync.Map // of texts with places that have no numbers, which are few

func translation(text string) string {
	if !strings.Contains(text, "?") {
		return translate(text)
	}
	if t, ok := translated.Load(text); ok {
		return t.(string)
	}
	t := translate(text)
	translated.Store(text, t)
	return t
}

func (c *postgresConn) Prepare(text string) (driver.Stmt, error) {
	return c.Conn.Prepare(translation(text))
}

func (c *postgresConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	return c.Conn.PrepareContext(ctx, translation(text))
}

func (c *postgresConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.ExecContext(ctx, translation(text), args)
}

func (c *postgresConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.QueryContext(ctx, translation(text), args)
}

// Close says goodbye. A server that cannot hear it any more has nothing of ours to lose.
func (c *postgresConn) Close() error {
	_ = c.Conn.Close()
	return nil
}

// BeginTx lets the pool try another connection where this one has gone, as all have
// when the server was started anew: nothing was asked of it yet.
func (c *postgresConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, o)
	if err != nil && ctx.Err() == nil && c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	return tx, err
}

// CheckNamedValue stores yes and no as 1 and 0. A name that nobody can have is found
// nowhere, as on the other engine, where this one would refuse the question.
func (c *postgresConn) CheckNamedValue(v *driver.NamedValue) error {
	switch x := v.Value.(type) {
	case bool:
		v.Value = int64(0)
		if x {
			v.Value = int64(1)
		}
	case string:
		v.Value = storableText(x)
	}
	return nil
}

// isStopped says that the server has ended a transaction in which we said nothing for too
// long.
func isStopped(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "25P03"
}

// explainPostgres gives an error of the engine its sentence; nil: it is none.
func explainPostgres(err error) error {
	var refused *pgconn.ConnectError
	var e *pgconn.PgError
	var broken *net.OpError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("%w (%s)", ErrUnreachable, strings.Join(strings.Fields(refused.Error()), " "))
	case errors.Is(err, errSilent) || errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken): // the driver does not always pass on why
		return fmt.Errorf("%w (%v)", ErrUnreachable, err)
	case !errors.As(err, &e):
		return nil
	}
	switch class := e.Code[:min(2, len(e.Code))]; {
	case e.Code == "53100" || e.Code == "25006" || e.Code == "42501": // disk full, read only, no rights
		return fmt.Errorf("%w (%v)", ErrReadOnly, err)
	case e.Code == "57014": // it took too long, or we had it ended
		return fmt.Errorf("%w (%v)", ErrLocked, err)
	case class == "57" || class == "08" || e.Code == "53300" || e.Code == "25P03": // shut down, connection, too many, we were stopped for too long
		return fmt.Errorf("%w (%v)", ErrUnreachable, err)
	case e.Code == "XX001" || e.Code == "XX002":
		return fmt.Errorf("%w (%v)", ErrCorrupt, err)
	case e.Code == "55P03" || class == "40": // lock not available, serialization, deadlock
		return fmt.Errorf("%w (%v)", ErrLocked, err)
	}
	return nil
}
