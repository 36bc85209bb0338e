package storage

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// newWorker is a number that nobody else who claims sources has.
func newWorker() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.LittleEndian.Uint64(b[:]) >> 1)
}

// askClock asks the database what time it has, see noteClock.
func (db *DB) askClock(t *txn) (moved bool, err error) {
	if db.dialect.clock == "" {
		return false, nil
	}
	known := db.ahead.Load()
	var there int64
	if err := t.row(`SELECT ` + db.dialect.clock).Scan(&there); err != nil {
		return false, err
	}
	return db.noteClock(known, there-time.Now().UnixMicro()), nil
}

// noteClock notes by how many microseconds the clock of the database is ahead of ours.
// Leases that several machines compare must be by one clock. It says whether that is not
// what was known: then what was asked by it is wrong.
func (db *DB) noteClock(known, ahead int64) (moved bool) {
	if (time.Duration(ahead-known) * time.Microsecond).Abs() < clockNoise {
		return false
	}
	if (time.Duration(ahead) * time.Microsecond).Abs() < clockNoise {
		ahead = 0
	}
	db.ahead.Store(ahead)
	return true
}

// clockNoise is what the way to the database and back may take, which is no difference
// between clocks.
const clockNoise = 250 * time.Millisecond

// fromLease is the time of ours that a time of the database's clock is.
func (db *DB) fromLease(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return fromMicros(n - db.ahead.Load())
}

// leaseTime is a time of ours by the database's clock, 0 for none.
func (db *DB) leaseTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t) + db.ahead.Load()
}
