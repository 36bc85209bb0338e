package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// patientConn is a connection to a server whose silence ends it. A network that is cut
// says nothing, and whoever waits for an answer, or to be heard, would wait for ever.
//
// The server's own timeouts see to it that it says something within the patience. The
// watch stands here, below the driver, since the context of a question would have to last
// until its last row is read, and the end of a transaction has none.
type patientConn struct {
	net.Conn
	patience func() time.Duration
}

var errSilent = errors.New("nothing was heard of it")

// dialPatiently dials connections that end when the other side is silent for so long.
func dialPatiently(dial pgconn.DialFunc, patience func() time.Duration) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patientConn{c, patience}, nil
	}
}

func (c *patientConn) Read(b []byte) (int, error)  { return c.within(c.Conn.Read, b) }
func (c *patientConn) Write(b []byte) (int, error) { return c.within(c.Conn.Write, b) }

// within closes the connection rather than set it a deadline: that is the means by which
// the driver ends a question with its context, and one of ours would undo it.
func (c *patientConn) within(f func([]byte) (int, error), b []byte) (int, error) {
	patience := c.patience()
	silence := time.AfterFunc(patience, func() { c.Close() })
	n, err := f(b)
	if !silence.Stop() && err != nil {
		err = fmt.Errorf("%w for %v", errSilent, patience)
	}
	return n, err
}
