package storage

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"orrery/feeds"
)

// Why tells what became of the posts that name means: an ID, the address of an
// entry's page, or an address of the post. None: the store has never seen it.
func (db *DB) Why(ctx context.Context, name string) ([]feeds.Story, error) {
	var list []feeds.Story
	err := db.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id FROM entries WHERE public_id = $1
			UNION SELECT c.entry_id FROM copy_keys k JOIN copies c ON c.id = k.copy_id WHERE k.hash = $2
			ORDER BY 1`, pageID(name), hashOf(feeds.AddressKey(name)))
		if err != nil {
			return err
		}
		var ids []int64
		if err := eachRow(rows, func() error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}); err != nil {
			return err
		}
		for _, id := range ids {
			s, err := story(ctx, tx, id)
			if err != nil {
				return err
			}
			list = append(list, s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", name, err)
	}
	return list, nil
}

func story(ctx context.Context, tx *sql.Tx, entry int64) (s feeds.Story, err error) {
	var shown, first, sort, changed, held int64
	var withdrawn bool
	if err := tx.QueryRowContext(ctx, `SELECT e.public_id, e.copy_id, e.first_seen, e.sort, e.changed, e.withdrawn, e.hidden <> 0, e.held,
		coalesce((SELECT m.public_id FROM entries m WHERE m.id = e.merged), '') FROM entries e WHERE e.id = $1`, entry).
		Scan(&s.ID, &shown, &first, &sort, &changed, &withdrawn, &s.Hidden, &held, &s.Merged); err != nil {
		return s, err
	}
	s.Shown, s.Held = !withdrawn, fromMicros(held)
	s.FirstSeen, s.Sort, s.Changed = fromMicros(first), fromMicros(sort), fromMicros(changed)
	if err := copyStories(ctx, tx, entry, shown, &s); err != nil {
		return s, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT event, at FROM outbox WHERE entry_id = $1 AND event <> '`+relisted+`' ORDER BY id`, entry)
	if err != nil {
		return s, err
	}
	return s, eachRow(rows, func() error {
		var e feeds.Event
		var at int64
		err := rows.Scan(&e.What, &at)
		e.At = fromMicros(at)
		s.Events = append(s.Events, e)
		return err
	})
}

// copyStories adds the copies, and the title of the one that is shown.
func copyStories(ctx context.Context, tx *sql.Tx, entry, shown int64, s *feeds.Story) error {
	rows, err := tx.QueryContext(ctx, `SELECT c.id, s.slug, c.first_seen, c.updated, c.revision, c.withdrawn, c.purged, c.joined,
		c.rank, c.sort, c.length, c.secure, c.body FROM copies c JOIN sources s ON s.id = c.source_id
		WHERE c.entry_id = $1 ORDER BY c.id <> $2, c.rank, c.sort, c.id`, entry, shown)
	if err != nil {
		return err
	}
	slugs, with := map[int64]string{}, []int64{}
	if err := eachRow(rows, func() error {
		var c feeds.CopyStory
		var id, first, sort, updated, other int64
		var joined string
		var body []byte
		if err := rows.Scan(&id, &c.Source, &first, &updated, &c.Revision, &c.Withdrawn, &c.Purged, &joined,
			&c.Rank, &sort, &c.Length, &c.Secure, &body); err != nil {
			return err
		}
		var e feeds.Entry
		if err := decode(body, &e); err != nil {
			return fmt.Errorf("copy %d: %w", id, err)
		}
		if s.Title == "" {
			s.Title = e.Title
		}
		if reason, id, ok := strings.Cut(joined, " "); ok {
			c.Reason = reason
			other, _ = strconv.ParseInt(id, 10, 64) // we wrote it
		}
		c.GUID, c.Permalink, c.Published = e.GUID, e.Permalink, e.Published
		c.FirstSeen, c.Updated, c.Sort = fromMicros(first), fromMicros(updated), fromMicros(sort)
		slugs[id], with = c.Source, append(with, other)
		s.Copies = append(s.Copies, c)
		return nil
	}); err != nil {
		return err
	}
	for i := range s.Copies {
		s.Copies[i].With = slugs[with[i]]
	}
	return nil
}

// Versions are what the entry said before, the newest first.
func (db *DB) Versions(ctx context.Context, id string) ([]feeds.Version, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT r.n, r.at, r.body FROM entries e JOIN revisions r ON r.copy_id = e.copy_id
		WHERE e.public_id = $1 AND e.withdrawn = 0 ORDER BY r.n DESC`, id)
	if err != nil {
		return nil, fmt.Errorf("read the versions of %s: %w", id, explain(err))
	}
	var list []feeds.Version
	err = eachRow(rows, func() error {
		var v feeds.Version
		var at int64
		var body []byte
		if err := rows.Scan(&v.N, &at, &body); err != nil {
			return err
		}
		v.At = fromMicros(at)
		if err := decode(body, &v.Entry); err != nil {
			return err
		}
		list = append(list, v)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the versions of %s: %w", id, explain(err))
	}
	return list, nil
}
