package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// outdate makes the store one that an older program filled.
func outdate(t *testing.T, db *DB) {
	t.Helper()
	if _, err := db.write.ExecContext(t.Context(), `UPDATE sources SET reader = $1`, feeds.ReaderVersion-1); err != nil {
		t.Fatal(err)
	}
}

// readOf is a visit that found the posts, with validators.
func readOf(d feeds.Due, at time.Time, list ...feeds.Entry) feeds.Visit {
	v := visitOf(d, at, list...)
	v.Validators = feeds.Validators{URL: d.Source.URL, ETag: `"1"`, LastModified: "l", BodyHash: "h"}
	return v
}

// pictured is the post with what only a newer program reads in it.
func pictured(e feeds.Entry) feeds.Entry {
	e.Image = "https://posts.example/" + e.GUID + ".png"
	e.Content += "<p>And more</p>"
	e.Updated = epoch.Add(30 * time.Minute)
	return e
}

// fetching.md 9: the whole document is asked for, once.
func TestSourceThatAnOlderProgramReadIsClaimedWithoutItsValidators(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("new"))
		commit(t, db, readOf(claimed(t, db, "a", epoch), epoch, post("p", epoch)))
		d := claimed(t, db, "a", epoch.Add(time.Hour))
		if d.Reread || d.Validators.ETag != `"1"` {
			t.Errorf("what this program read is to be read again: %+v", d)
		}
		outdate(t, db)
		if d := claimed(t, db, "new", epoch); d.Reread {
			t.Error("what was never read is to be read again")
		}
		for i := range 2 { // as long as nothing was read
			d = again(t, db, d, epoch.Add(time.Duration(1+i)*time.Hour))
			if !d.Reread || fmt.Sprint(d.Validators) != fmt.Sprint(feeds.Validators{}) {
				t.Errorf("claimed %+v", d)
			}
			commit(t, db, feeds.Visit{Due: d, At: epoch.Add(time.Hour), Outcome: feeds.Failed, Err: errFault, Validators: d.Validators})
		}
		commit(t, db, readOf(again(t, db, d, epoch.Add(5*time.Hour)), epoch.Add(5*time.Hour), post("p", epoch)))
		if d := claimed(t, db, "a", epoch.Add(9*time.Hour)); d.Reread || d.Validators.ETag != `"1"` {
			t.Errorf("it is to be read again after it was: %+v", d)
		}
	})
}

func TestWhatIsReadAgainIsStoredAgainAndNoRevision(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		at := epoch.Add(time.Hour)
		d := claimed(t, db, "a", epoch)
		commit(t, db, readOf(d, epoch, in(post("p", epoch), "C"), in(post("q", epoch), "D")))
		outdate(t, db)
		was, told, before := entryOf(t, db, "p"), events(t, db), versions(t, db)

		tally := commit(t, db, readOf(claimed(t, db, "a", at), at, in(pictured(post("p", epoch)), "C"), in(post("q", epoch), "D")))
		if !tally.Zero() {
			t.Errorf("tally %+v", tally)
		}
		now := entryOf(t, db, "p")
		if now.Image == "" || now.Content == was.Content || !now.Updated.Equal(epoch.Add(30*time.Minute)) {
			t.Errorf("it was not stored: %+v", now)
		}
		if now.Revision != 0 || !now.Changed.Equal(was.Changed) || !now.Sort.Equal(was.Sort) || !now.FirstSeen.Equal(was.FirstSeen) || now.ID != was.ID {
			t.Errorf("was %+v\nis  %+v", was, now)
		}
		same(t, "outbox", events(t, db), told)
		same(t, "raised", raised(t, db, before), []string{"", "c c", "s a"}) // and not c d: q is as it was
		before = versions(t, db)

		// What its author changes after that is a revision as ever.
		d = claimed(t, db, "a", at.Add(time.Hour))
		commit(t, db, readOf(d, at.Add(time.Hour), in(pictured(post("p", epoch)), "C")))
		same(t, "raised by the same once more", raised(t, db, before), []string{})
		revised := pictured(post("p", epoch))
		revised.Title = "Revised"
		tally = commit(t, db, readOf(claimed(t, db, "a", at.Add(2*time.Hour)), at.Add(2*time.Hour), in(revised, "C")))
		if now := entryOf(t, db, "p"); tally.Revised != 1 || now.Revision != 1 {
			t.Errorf("tally %+v, revision %d", tally, now.Revision)
		}
		sound(t, db)
	})
}

// entryOf is the entry with the GUID.
func entryOf(t *testing.T, db *DB, guid string) feeds.Entry {
	t.Helper()
	for _, e := range entries(t, db, feeds.Query{}) {
		if e.GUID == guid {
			return e
		}
	}
	t.Fatalf("no entry %s", guid)
	return feeds.Entry{}
}

// A revision keeps its number and its time.
func TestRevisedPostThatIsReadAgainKeepsItsRevision(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, post("p", epoch))
		revised := post("p", epoch)
		revised.Title = "Revised"
		visit(t, db, "a", epoch.Add(time.Hour), revised)
		outdate(t, db)
		was, told := only(t, db), events(t, db)
		visit(t, db, "a", epoch.Add(2*time.Hour), pictured(revised))
		if now := only(t, db); now.Revision != 1 || !now.Changed.Equal(was.Changed) || now.Image == "" {
			t.Errorf("was %+v\nis  %+v", was, now)
		}
		same(t, "outbox", events(t, db), told)
	})
}

// What a newer program finds in the same document besides is new, and what it has
// found of another source's post is a duplicate.
func TestPostThatIsFoundWhenReadAgainIsNew(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		visit(t, db, "a", epoch, post("p", epoch))
		visit(t, db, "b", epoch, post("shared", epoch))
		outdate(t, db)
		at := epoch.Add(time.Hour)
		if tally := visit(t, db, "a", at, post("p", epoch), post("q", epoch), post("shared", epoch)); tally != (feeds.Tally{New: 1, Duplicate: 1}) {
			t.Errorf("tally %+v", tally)
		}
		same(t, "outbox", events(t, db), []string{"new Post p", "new Post shared", "new Post q"})
	})
}

// The copy that is not shown is stored, and nobody is told of anything.
func TestHiddenCopyThatIsReadAgainRaisesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		visit(t, db, "a", epoch, post("p", epoch))
		visit(t, db, "b", epoch.Add(time.Minute), post("p", epoch))
		outdate(t, db)
		before, told := versions(t, db), events(t, db)
		visit(t, db, "b", epoch.Add(time.Hour), pictured(post("p", epoch)))
		same(t, "raised", raised(t, db, before), []string{})
		same(t, "outbox", events(t, db), told)
		if now := only(t, db); now.Image != "" {
			t.Errorf("the other copy is shown: %+v", now)
		}
		same(t, "pictures", column(t, db, `SELECT coalesce(json_extract(body, '$.image'), '') FROM copies ORDER BY source_id`),
			[]string{"", "https://posts.example/p.png"})
	})
}

// A post that its owner deleted stays deleted, and one that came back is new.
func TestWithdrawnPostIsNotBroughtBackByReadingAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"), remote("a"))
		visit(t, db, "own", epoch, post("p", epoch))
		visit(t, db, "a", epoch, post("p", epoch))
		withdraw(t, db, "own", epoch.Add(time.Hour), "p")
		outdate(t, db)
		visit(t, db, "a", epoch.Add(2*time.Hour), pictured(post("p", epoch)))
		same(t, "shown", titles(entries(t, db, feeds.Query{})), []string{})
		if tally := visit(t, db, "own", epoch.Add(2*time.Hour), post("p", epoch)); tally.New != 1 {
			t.Errorf("tally %+v", tally)
		}
		same(t, "shown then", titles(entries(t, db, feeds.Query{})), []string{"Post p"})
	})
}

// A program that makes another hash of the same text is a newer reader, too. Else
// every post of the planet would be revised by the visit after that.
func TestPostThatIsReadAgainAsItWasHasTheNewHash(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, post("p", epoch))
		if _, err := db.write.ExecContext(t.Context(), `UPDATE copies SET hash = 'as it was made once'`); err != nil {
			t.Fatal(err)
		}
		outdate(t, db)
		before := versions(t, db)
		visit(t, db, "a", epoch.Add(time.Hour), post("p", epoch))
		same(t, "raised", raised(t, db, before), []string{})
		d := claimed(t, db, "a", epoch.Add(2*time.Hour))
		p := post("p", epoch)
		known, err := db.Known(t.Context(), d.Source.ID, []string{"p"})
		if err != nil || known["p"].Hash != p.Hash() {
			t.Errorf("known by %q, %v", known["p"].Hash, err)
		}
		if tally := commit(t, db, visitOf(d, epoch.Add(2*time.Hour), p)); !tally.Zero() {
			t.Errorf("tally %+v", tally)
		}
	})
}

// fetching.md 5: the end of a truncated document was not read by this program.
func TestTruncatedDocumentIsStillToBeReadAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, post("p", epoch), post("q", epoch))
		outdate(t, db)
		v := visitOf(claimed(t, db, "a", epoch.Add(time.Hour)), epoch.Add(time.Hour), pictured(post("p", epoch)))
		v.Feed.Truncated, v.Unread = true, true
		commit(t, db, v)
		d := claimed(t, db, "a", epoch.Add(2*time.Hour))
		if !d.Reread {
			t.Errorf("claimed %+v", d)
		}
		v.Due, v.At, v.Unread = d, epoch.Add(2*time.Hour), false // its end never comes
		commit(t, db, v)
		if d := claimed(t, db, "a", epoch.Add(4*time.Hour)); d.Reread {
			t.Errorf("claimed for ever %+v", d)
		}
	})
}

// markdown.md 8: without its listing a folder does not know what was deleted.
func TestFolderThatAnOlderProgramReadKeepsItsListing(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"))
		v := visitOf(claimed(t, db, "own", epoch), epoch, post("p", epoch))
		v.Validators = feeds.Validators{URL: v.Due.Source.URL, ETag: "e", Listing: []byte("listing")}
		commit(t, db, v)
		outdate(t, db)
		if d := claimed(t, db, "own", epoch.Add(time.Hour)); !d.Reread || string(d.Validators.Listing) != "listing" || d.Validators.ETag != "" {
			t.Errorf("claimed %+v", d)
		}
	})
}
