package storage

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"orrery/feeds"
)

// dies is a fault of the process: it is killed before the call is made, and nobody
// rolls back, says goodbye or closes anything.
const dies fault = "dies"

func init() {
	children["die"] = childDies
}

// mortal is what a child is told to do: a visit, up to its n-th call.
type mortal struct {
	Address string
	Call    int
	Visit   feeds.Visit
}

// childDies stores the visit that the file at the path tells, and dies on the way if the
// visit takes so many calls.
func childDies(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var m mortal
	if err := gob.NewDecoder(f).Decode(&m); err != nil {
		return err
	}
	db, faults, err := faultyEngine(context.Background(), m.Address)
	if err != nil {
		return err
	}
	faults.arm(m.Call, dies)
	if _, err := db.Commit(context.Background(), m.Visit); err != nil {
		return err
	}
	fmt.Println("stored")
	return nil
}

// dieAt has a child store the visit and die at that call. It says whether the child did,
// and whether it had said before that all is stored.
func dieAt(t *testing.T, m mortal) (died, said bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "visit")
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(gob.NewEncoder(f).Encode(m), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	c := startChild(t, "die", path)
	said = c.out.Scan()
	switch err := c.cmd.Wait(); {
	case err == nil:
		return false, said
	case c.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL:
		t.Fatal(err)
	}
	return true, said
}

// hostile.md, Faults: kill -9 at every k-th call of the database, of a visit that has
// everything there is to do: it is stored whole or not at all, and once.
func TestProcessThatDiesAtAnyCallLeavesNoHalfVisit(t *testing.T) {
	t.Parallel()
	for engine, original := range map[string]func(t *testing.T, prepare func(db *DB)) *copies{"sqlite": copiesOfFile, "postgres": copiesOfDatabase} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var v feeds.Visit
			var before string
			c := original(t, func(db *DB) {
				v = richStore(t, db)
				before = dump(t, db)
			})
			after := c.withoutFault(t, func(db *DB) error { _, err := db.Commit(t.Context(), v); return err })
			step, deaths := 3, 0
			if testing.Short() {
				step = 29
			}
			for n := 1; ; n += step {
				address := c.address(t)
				died, said := dieAt(t, mortal{address, n, v})
				db, err := Open(t.Context(), address)
				if err != nil {
					t.Fatalf("the process died at call %d: %v", n, err)
				}
				now := dump(t, db)
				switch {
				case now != before && now != after:
					t.Fatalf("the process died at call %d, and the store has half of the visit:\n%s", n, diff(before, now))
				case now == before && said:
					t.Fatalf("the process died at call %d, and what is not stored was acknowledged", n)
				case !died && !said:
					t.Fatalf("the process was to die at call %d, and has neither died nor stored anything", n)
				}
				if now == before {
					rewindIfServed(t, db)
					commit(t, db, v) // its lease is still there: whoever made the visit goes on
					if now = dump(t, db); now != after {
						t.Fatalf("the process died at call %d, and the visit that was made again left something else:\n%s", n, diff(after, now))
					}
				}
				sound(t, db)
				shut(t, db)
				if !died {
					break
				}
				deaths++
			}
			if deaths < 5 {
				t.Errorf("the process died %d times; the test tests nothing", deaths)
			}
		})
	}
}

// rewindIfServed is rewind, where there are numbers that a transaction takes for ever.
func rewindIfServed(t *testing.T, db *DB) {
	t.Helper()
	if db.dialect == postgres {
		rewind(t, db)
	}
}
