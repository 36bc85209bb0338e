package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"orrery/feeds"
)

const (
	versionQuery = `SELECT seq, changed FROM versions WHERE scope = $1`
	// foundVersionQuery is of what is found: it changes with the planet, and when that is
	// indexed.
	foundVersionQuery = `SELECT CAST(coalesce(sum(seq), 0) AS BIGINT), coalesce(max(changed), 0) FROM versions WHERE scope IN ('', $1)`
)

// Version rises whenever anything the query selects has changed; changed is when
// it last did, and never goes back. The zero Query is the whole planet.
func (db *DB) Version(ctx context.Context, q feeds.Query) (seq int64, changed time.Time, err error) {
	scope, ok := q.Scope()
	if !ok || q.ID != "" {
		scope = ""
	}
	query := versionQuery
	if q.Text != "" {
		query, scope = foundVersionQuery, indexedScope
	}
	var at int64
	err = db.read.QueryRowContext(ctx, query, scope).Scan(&seq, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read the version: %w", explain(err))
	}
	return seq, fromMicros(at), nil
}

// ChangedSince are the scopes (feeds.Query.Scope) of all whose Version says that it
// changed at that time or later, in no order.
func (db *DB) ChangedSince(ctx context.Context, t time.Time) (scopes []string, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT scope FROM versions WHERE changed >= $1 AND scope <> $2`, micros(t), indexedScope)
	if err == nil {
		err = eachRow(rows, func() error {
			var scope string
			err := rows.Scan(&scope)
			scopes = append(scopes, scope)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read what has changed: %w", explain(err))
	}
	return scopes, nil
}

// writeVersions raises the versions of what the transaction has changed.
func (t *txn) writeVersions() error {
	var rows []any
	for _, scope := range slices.Sorted(maps.Keys(t.scopes)) {
		rows = append(rows, scope, 1, t.scopes[scope])
	}
	if len(rows) == 0 {
		return nil
	}
	if err := t.insertRows(raisedTo, rows); err != nil || t.db.dialect.raised == nil {
		return err
	}
	return t.db.dialect.raised(t.ctx, t.tx)
}
