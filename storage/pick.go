package storage

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"orrery/feeds"
)

// choose picks who is claimed, the longest due first, of one host only so many: a
// host with hundreds of sources must not take every place while it is slow. Who is looked
// at is locked, and who claims beside this one has to find his way past them: it looks at
// as many as are wanted, and only at more if too many of them are of one host.
func (db *DB) choose(t *txn, want feeds.Want) ([]any, error) {
	picked, more, err := db.pickDue(t, want, want.N, true)
	if err == nil && more {
		if picked, _, err = db.pickDue(t, want, want.N*lookAhead, false); err == nil {
			err = db.lockHosts(t, picked)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(picked) == 0 {
		return nil, db.lookBeside(t, want)
	}
	var ids []any
	for _, p := range picked {
		if p.host == "" || p.ours {
			ids = append(ids, p.id)
		}
	}
	if len(ids) == 0 {
		return nil, feeds.ErrBeside
	}
	return ids, nil
}

// pickDue picks among so many that are due, and says whether there are more to look at
// and too few were picked: whoever comes after them is not picked before them. Of many
// the hosts are not locked, since most are of no use.
func (db *DB) pickDue(t *txn, want feeds.Want, most int, hosts bool) (picked []pick, more bool, err error) {
	taken := map[string]int{}
	for _, from := range dueAfter(want.After) {
		query, args := db.dueQuery(want, from, most)
		seen := 0
		err := db.eachPick(t, query, args, hosts, func(p pick) error {
			seen++
			if p.host != "" && want.PerHost > 0 && taken[p.host] >= want.PerHost {
				return nil
			}
			taken[p.host]++
			if picked = append(picked, p); len(picked) >= want.N {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return picked, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		if seen >= most {
			return picked, true, nil
		}
	}
	return picked, false, nil
}

// lockHosts locks the hosts of those that were picked, and notes which are ours.
func (db *DB) lockHosts(t *txn, picked []pick) error {
	if len(picked) == 0 {
		return nil
	}
	at, ids := map[int64]int{}, make([]any, len(picked))
	for i, p := range picked {
		at[p.id], ids[i] = i, p.id
	}
	ids = padded(ids)
	return db.eachPick(t, `SELECT id, host FROM sources WHERE id IN (`+unnamed(len(ids))+`)`, ids, true, func(p pick) error {
		picked[at[p.id]].ours = p.ours
		return nil
	})
}

// eachPick gives the sources that the question is for, locked, until f returns an error.
func (db *DB) eachPick(t *txn, question string, args []any, hosts bool, f func(pick) error) error {
	known := db.ahead.Load()
	rows, err := t.query(db.dialect.pick(question, db.dialect.clock, hosts), args...)
	if err != nil {
		return err
	}
	var ahead []int64
	err = eachRow(rows, func() error {
		var p pick
		var clock int64
		if err := rows.Scan(&p.id, &p.host, &p.ours, &clock); err != nil {
			return err
		}
		if clock != 0 {
			ahead = append(ahead, clock-time.Now().UnixMicro())
		}
		return f(p)
	})
	// The latest has waited least on its way here.
	if (err == nil || errors.Is(err, errEnough)) && len(ahead) > 0 && db.noteClock(known, slices.Max(ahead)) {
		return errClock
	}
	return err
}

// lookBeside returns feeds.ErrBeside if there is somebody to claim whom somebody else has
// locked. Who found nobody does not know yet what time it is there.
func (db *DB) lookBeside(t *txn, want feeds.Want) error {
	if db.dialect.clock == "" { // which has one writer
		return nil
	}
	if moved, err := db.askClock(t); err != nil || moved {
		return cmp.Or(err, errClock)
	}
	for _, from := range dueAfter(want.After) {
		query, args := db.dueQuery(want, from, 1)
		var any bool
		if err := t.row(`SELECT EXISTS (`+query+`)`, args...).Scan(&any); err != nil {
			return err
		}
		if any {
			return feeds.ErrBeside
		}
	}
	return nil
}

// pick is a source that may be claimed.
type pick struct {
	id   int64
	host string
	ours bool // nobody else is claiming of the host
}

// condition is a text with a place for each of its values.
type condition struct {
	text string
	args []any
}

// dueAfter are the parts of the sources that are due after this one, in their order.
// They are two, since the engine does not find its way to a pair of time and id: it
// would look again at all that are due at the same time, as all of a new planet are.
func dueAfter(last *feeds.Source) []condition {
	if last == nil {
		return []condition{{}}
	}
	at := micros(last.State.NextVisit)
	return []condition{{" AND next_visit = ? AND id > ?", []any{at, last.ID}}, {" AND next_visit > ?", []any{at}}}
}

// errEnough ends a look at rows.
var errEnough = errors.New("enough rows")

// lookAhead is how many times more sources are looked at than are wanted, where hosts
// have many.
const lookAhead = 8

func (db *DB) dueQuery(want feeds.Want, from condition, most int) (string, []any) {
	where, args := db.claimWhere(want)
	if crowded := padded(want.Crowded); len(crowded) > 0 {
		where += " AND host NOT IN (" + marks(len(args)+1, len(crowded)) + ")"
		for _, h := range crowded {
			args = append(args, h)
		}
	}
	args = append(append(args, from.args...), most)
	return `SELECT id, host FROM sources WHERE ` + where + from.text + ` ORDER BY next_visit, id LIMIT ?`, args
}
