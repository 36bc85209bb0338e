package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/feedstest"
)

// The contract: whatever comes in, every engine stores the same, byte for byte, and
// says the same of it in the same order. What a stranger's feed says goes the whole way
// that the program has for it: Read, Normalize, Commit.

func TestContractOddFeedsAreTheSameOnEveryEngine(t *testing.T) {
	t.Parallel()
	documents, rules := oddDocuments(), oddRules()
	var sources []feeds.Source
	for i, d := range documents {
		s := remote(d.name)
		s.Title = oddTexts[i]
		sources = append(sources, s)
	}
	sources = append(sources, folder("posts"))
	tell := func(t *testing.T, db *DB) (lines []string) {
		configure(t, db, rules, sources...)
		for n := range 3 { // the third changes nothing
			at := epoch.Add(time.Duration(n) * 48 * time.Hour)
			for i := range documents {
				d := &documents[i]
				lines = append(lines, answered(t, db, rules, d.name, d.kind, d.at(min(n, 1)), at, nil)...)
			}
			lines = append(lines, answered(t, db, rules, "posts", documents[0].kind, documents[0].at(n), at, nil)...)
		}
		list := entries(t, db, feeds.Query{Source: "posts"})
		if len(list) < 30 {
			t.Fatalf("only %d posts were stored", len(list))
		}
		var guids []string
		for _, e := range list {
			guids = append(guids, e.GUID)
		}
		lines = append(lines, fmt.Sprintf("%#v", withdraw(t, db, "posts", epoch.Add(200*time.Hour), append(guids[:20], oddTexts...)...)))
		return append(lines, everything(t, db)...)
	}
	said := bothSay(t, tell)
	t.Run("postgres that sorts otherwise", func(t *testing.T) {
		agree(t, said, tell(t, openOtherwise(t)))
	})
}

func TestContractRealFeedsAreTheSameOnEveryEngine(t *testing.T) {
	t.Parallel()
	leaveOutPostgres(t) // before all are read
	root := feedstest.Data(t, "feeds")
	var sources []feeds.Source
	bodies := map[string][]byte{}
	if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || d.IsDir() || ext == ".md" || ext == ".tsv" {
			return err
		}
		s := remote(fmt.Sprintf("f%d", len(sources)))
		sources = append(sources, s)
		bodies[s.Slug], err = os.ReadFile(path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(sources) < 250 {
		t.Fatalf("only %d feeds", len(sources))
	}
	rules := &feeds.Rules{TagsAsCategories: true}
	edited := func(f *feeds.Feed) {
		for i := 0; i < len(f.Entries); i += 10 {
			f.Entries[i].Title += " (edited)"
		}
	}
	bothSay(t, func(t *testing.T, db *DB) (lines []string) {
		configure(t, db, rules, sources...)
		for _, s := range sources {
			lines = append(lines, answered(t, db, rules, s.Slug, "", bodies[s.Slug], epoch, nil)...)
		}
		for i := 0; i < len(sources); i += 5 {
			s := sources[i]
			lines = append(lines, answered(t, db, rules, s.Slug, "", bodies[s.Slug], epoch.Add(48*time.Hour), edited)...)
		}
		return append(lines, everything(t, db)...)
	})
}

// RFC 9111 §4.3.1: a validator is bytes, and is sent as it came.
func TestContractValidatorsComeBackByteForByte(t *testing.T) {
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	bothSay(t, func(t *testing.T, db *DB) (lines []string) {
		configure(t, db, nil, remote("a"), folder("b"))
		at := epoch
		for _, s := range append(oddTexts, string(every), string(slices.Repeat(every, 64))) {
			for _, slug := range []string{"a", "b"} {
				at = at.Add(2 * time.Hour)
				v := visitOf(claimed(t, db, slug, at), at)
				v.Validators = feeds.Validators{ETag: s, LastModified: s}
				if slug == "b" {
					v.Validators.Listing = []byte(s)
				}
				commit(t, db, v)
				d := claimed(t, db, slug, at.Add(time.Hour))
				if got := d.Validators; got.ETag != s || got.LastModified != s || string(got.Listing) != string(v.Validators.Listing) {
					t.Errorf("%.100q came back as %.300q", s, got)
				}
				lines = append(lines, fmt.Sprintf("%#v", d.Validators))
				if err := db.Release(t.Context(), d, time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		return append(lines, everything(t, db)...)
	})
}

// What a visit says of the source in words goes to people, and must not cost the visit.
func TestContractOddWordsOfAVisitAreStored(t *testing.T) {
	bothSay(t, func(t *testing.T, db *DB) (lines []string) {
		configure(t, db, nil, remote("a"), remote("b"))
		at := epoch
		for i, s := range oddTexts {
			at = at.Add(100 * time.Hour)
			v := visitOf(claimed(t, db, "a", at), at, post(fmt.Sprint(i), epoch))
			v.Problems = []string{s, "and " + s}
			v.Validators.URL, v.Validators.BodyHash = "https://a.example/"+s, s
			v.Answer = feeds.Answer{URL: s, Hops: []string{s}, Header: []string{"X: " + s}, Next: s}
			v.Moving = feeds.Move{To: s, Since: at, Seen: 1}
			v.Address = "https://moved.example/" + s
			v.Busy, v.BusyUntil = "host"+s, at.Add(time.Hour)
			v.Backfill = feeds.Backfill{URL: s, Trouble: s, Lost: s}
			v.Feed.ID, v.Feed.Rights = s, s
			commit(t, db, v)
			failed := visitOf(claimed(t, db, "b", at), at)
			failed.Feed, failed.Outcome, failed.Err = nil, feeds.Failed, errors.New(s)
			commit(t, db, failed)
			sources, err := db.Sources(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if text := sources[0].State.LastError; !isStorable(text) || !strings.Contains(text, "and ") {
				t.Errorf("%q is told as %q", s, text)
			}
			lines = append(lines, fmt.Sprintf("%#v", sources))
			older := visitOf(claimed(t, db, "a", at.Add(2*time.Hour)), at.Add(2*time.Hour))
			older.Older, older.Problems = true, []string{s}
			commit(t, db, older)
		}
		return append(lines, everything(t, db)...)
	})
}

func TestContractOddTimesOfAVisitAreStored(t *testing.T) {
	bothSay(t, func(t *testing.T, db *DB) (lines []string) {
		configure(t, db, nil, remote("a"))
		for i, odd := range oddTimes {
			at := epoch.Add(time.Duration(i) * 10 * time.Hour)
			v := visitOf(claimed(t, db, "a", at), at, post(fmt.Sprint(i), odd))
			v.Next, v.RetryAfter, v.BusyUntil, v.Busy = odd, odd, odd, fmt.Sprint("host", i)
			tally, err := db.Commit(t.Context(), v) // a date that JSON cannot write is refused, and no engine asked
			lines = append(lines, fmt.Sprintf("%v: %#v %v", odd, tally, err))
			if err != nil {
				v.Feed = nil
				commit(t, db, v)
			}
			sources, err := db.Sources(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("%#v", sources[0].State))
			if n, err := db.Waiting(t.Context(), feeds.Want{Now: at, Start: at, N: 9}); err != nil {
				t.Fatal(err)
			} else {
				lines = append(lines, fmt.Sprint("waiting ", n))
			}
			configure(t, db, nil)
			configure(t, db, nil, remote("a"))
			if _, err := db.write.ExecContext(t.Context(), `UPDATE sources SET next_visit = 0, retry_after = 0`); err != nil {
				t.Fatal(err)
			}
		}
		return append(lines, everything(t, db)...)
	})
}

// A person may ask for anything, and so may whoever requests a page.
func TestContractOddNamesAreFoundByNoEngine(t *testing.T) {
	bothSay(t, func(t *testing.T, db *DB) (lines []string) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, in(post("p", epoch), "C"))
		for _, s := range append(oddTexts, "c\x00", "a\x00", "a\xff", strings.Repeat("n", 12<<10)) {
			add := func(what string, v ...any) { lines = append(lines, fmt.Sprintf("%s %.50q: %+v", what, s, v)) }
			for _, q := range []feeds.Query{{ID: s}, {Category: s}, {Source: s}, {Source: s, Category: s}} {
				list, err := db.Entries(t.Context(), q)
				add("entries", len(list), err)
				seq, at, err := db.Version(t.Context(), q)
				add("version", seq, at, err)
			}
			gone, moved, err := db.Fate(t.Context(), s)
			add("fate", gone, moved, err)
			versions, err := db.Versions(t.Context(), s)
			add("versions", versions, err)
			why, err := db.Why(t.Context(), s)
			add("why", why, err)
			due, err := db.Claim(t.Context(), feeds.Want{Now: epoch, N: 1, Slugs: []string{s}, Crowded: []string{s}})
			add("claim", due, err)
			_, changed, err := db.Hide(t.Context(), epoch, s, true)
			add("hide", changed, fmt.Sprint(err))
			changed, err = db.Pause(t.Context(), epoch, s, true)
			add("pause", changed, fmt.Sprint(err))
			_, err = db.Split(t.Context(), epoch, s, s)
			add("split", fmt.Sprint(err))
			_, err = db.Join(t.Context(), epoch, s, s)
			add("join", fmt.Sprint(err))
		}
		return append(lines, everything(t, db)...)
	})
}
