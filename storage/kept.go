package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"modernc.org/sqlite"
)

// How many compiled texts a connection keeps. One that writes asks a few hundred; those
// that read are many, and ask about as much as a site shows. Each takes some 10 KB, and a
// text that is longer than so many bytes is not kept.
const (
	keptWriting = 400
	keptReading = 60
	keptLength  = 4 << 10
)

// openFile opens a pool of connections to a file, which keep so many texts compiled.
func (e engine) openFile(dsn string, texts int) (*sql.DB, error) {
	var c driver.Connector
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	if e.through != nil {
		c = e.through(c)
	}
	return sql.OpenDB(keptConnector{c, texts}), nil
}

// keptConnector opens connections that keep what they were asked compiled: to compile a
// text takes longer than to run most of ours. The driver of the other engine does so
// itself.
type keptConnector struct {
	driver.Connector
	most int
}

func (c keptConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &keptConn{Conn: inner, most: c.most, texts: map[string]driver.Stmt{}}, nil
}

type keptConn struct {
	driver.Conn
	most  int
	texts map[string]driver.Stmt // those that nobody is running
}

// take hands out a compiled text, which give or its Close must follow. A text that is
// run while it runs is compiled once more.
func (c *keptConn) take(ctx context.Context, text string) (driver.Stmt, error) {
	if s := c.texts[text]; s != nil {
		delete(c.texts, text)
		return s, nil
	}
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
}

// give keeps it for the next time, in the place of any other where there is no more room.
// Some pragmas do what they do while they are compiled.
func (c *keptConn) give(text string, s driver.Stmt) error {
	if c.texts[text] != nil || len(text) > keptLength || strings.HasPrefix(text, "PRAGMA") {
		return s.Close()
	}
	var err error
	if len(c.texts) >= c.most {
		for other, s := range c.texts {
			delete(c.texts, other)
			err = s.Close()
			break
		}
	}
	c.texts[text] = s
	return err
}

func (c *keptConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	result, err := s.(driver.StmtExecContext).ExecContext(ctx, args)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return result, c.give(text, s)
}

func (c *keptConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &keptRows{rows, c, text, s}, nil
}

func (c *keptConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

// ResetSession and IsValid let go of a connection that is of no more use.
func (c *keptConn) ResetSession(ctx context.Context) error {
	if inner, ok := c.Conn.(driver.SessionResetter); ok {
		return inner.ResetSession(ctx)
	}
	return nil
}

func (c *keptConn) IsValid() bool {
	inner, ok := c.Conn.(driver.Validator)
	return !ok || inner.IsValid()
}

func (c *keptConn) Close() error {
	var err error
	for _, s := range c.texts {
		err = errors.Join(err, s.Close())
	}
	clear(c.texts)
	return errors.Join(err, c.Conn.Close())
}

// keptRows are an answer, whose text is kept when it has ended well.
type keptRows struct {
	driver.Rows
	conn *keptConn
	text string
	stmt driver.Stmt
}

func (r *keptRows) Close() error {
	if err := r.Rows.Close(); err != nil {
		return errors.Join(err, r.stmt.Close())
	}
	return r.conn.give(r.text, r.stmt)
}

// ColumnTypeDatabaseTypeName is what the table calls the type of the column.
func (r *keptRows) ColumnTypeDatabaseTypeName(n int) string {
	inner, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName)
	if !ok {
		return ""
	}
	return inner.ColumnTypeDatabaseTypeName(n)
}
