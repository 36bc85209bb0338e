package storage

import (
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// versionStore is a store with two entries of a in X and Y, one of b in X that
// a has, too, and one of the folder own in Y.
func versionStore(t *testing.T, db *DB) {
	t.Helper()
	syncVersions(t, db, nil)
	visit(t, db, "b", epoch, in(post("both", epoch), "X"))
	visit(t, db, "a", epoch.Add(time.Minute), in(post("ax", epoch), "X"), in(post("ay", epoch), "Y"), in(post("both", epoch), "X"))
	visit(t, db, "own", epoch, in(post("oy", epoch), "Y"))
	visit(t, db, "quiet", epoch)
}

// syncVersions makes the configuration of versionStore, changed by change.
func syncVersions(t *testing.T, db *DB, change func(sources []feeds.Source, rules []feeds.Rule) []feeds.Source) {
	t.Helper()
	sources := []feeds.Source{remote("a"), remote("b"), folder("own"), remote("quiet")}
	// The entries' tags decide; the titles of their categories are the rules'.
	rules := []feeds.Rule{rule("X", feeds.Match{Words: []string{"Post ax", "Post both"}}), rule("Y", feeds.Match{Words: []string{"Post ay", "Post oy"}})}
	if change != nil {
		sources = change(sources, rules)
	}
	configure(t, db, rulesOf(rules...), sources...)
}

func TestWhatHasChangedSinceIsNamed(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		versionStore(t, db)
		indexAll(t, db)
		at := epoch.Add(24 * time.Hour)
		e := in(post("ay", epoch), "X") // it leaves Y
		e.Content += "!"
		visit(t, db, "a", at, e)
		for after, want := range map[time.Duration][]string{0: {"", "c x", "c y", "s a"}, time.Microsecond: nil} {
			got, err := db.ChangedSince(t.Context(), at.Add(after))
			slices.Sort(got)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v later: %q, %v", after, got, err)
			}
		}
	})
}

func TestVersionRisesExactlyForWhatShowsSomethingElse(t *testing.T) {
	at := epoch.Add(24 * time.Hour)
	revised := func(name string, categories ...string) feeds.Entry {
		e := in(post(name, epoch), categories...)
		e.Content += "!"
		return e
	}
	fails := func(t *testing.T, db *DB, at time.Time, outcome feeds.Outcome, err error) {
		t.Helper()
		commit(t, db, feeds.Visit{Due: claimed(t, db, "quiet", at), At: at, Outcome: outcome, Err: err})
	}
	for _, c := range []struct {
		name string
		act  func(t *testing.T, db *DB)
		want string // the scopes; planet is the one of everything
	}{
		{"a 304", func(t *testing.T, db *DB) {
			commit(t, db, feeds.Visit{Due: claimed(t, db, "a", at), At: at, Validators: feeds.Validators{ETag: "new"}})
		}, "none"},
		{"the same document", func(t *testing.T, db *DB) { visit(t, db, "a", at, in(post("ax", epoch), "X")) }, "none"},
		{"a new entry", func(t *testing.T, db *DB) { visit(t, db, "a", at, in(post("n", at), "X", "Z")) }, "planet, c x, c z, s a"},
		{"a new entry in no category", func(t *testing.T, db *DB) { visit(t, db, "quiet", at, post("n", at)) }, "planet, s quiet"},
		{"a revision", func(t *testing.T, db *DB) { visit(t, db, "a", at, revised("ay", "Y")) }, "planet, c y, s a"},
		{"a revision of what two have", func(t *testing.T, db *DB) { visit(t, db, "a", at, revised("both", "X")) }, "planet, c x, s a, s b"},
		{"a revision of the copy that is not shown", func(t *testing.T, db *DB) { visit(t, db, "b", at, revised("both", "X")) }, "none"},
		{"a duplicate", func(t *testing.T, db *DB) { visit(t, db, "quiet", at, in(post("ay", epoch), "Y")) }, "planet, c y, s a, s quiet"},
		{"a duplicate in another category", func(t *testing.T, db *DB) { visit(t, db, "quiet", at, in(post("ay", epoch), "X")) }, "planet, c x, c y, s a, s quiet"},
		{"a deleted post", func(t *testing.T, db *DB) { withdraw(t, db, "own", at, "oy") }, "planet, c y, s own"},
		{"a title of the feed", func(t *testing.T, db *DB) {
			v := visitOf(claimed(t, db, "b", at), at)
			v.Feed.Title = "New"
			commit(t, db, v)
		}, "planet, c x, s a, s b"},
		{"a failing source", func(t *testing.T, db *DB) { fails(t, db, at, feeds.Failed, errFault) }, "planet"},
		{"a source that is gone", func(t *testing.T, db *DB) { fails(t, db, at, feeds.Gone, errFault) }, "planet"},
		{"nothing in the configuration", func(t *testing.T, db *DB) { syncVersions(t, db, nil) }, "none"},
		{"a new source", func(t *testing.T, db *DB) {
			syncVersions(t, db, func(s []feeds.Source, _ []feeds.Rule) []feeds.Source { return append(s, remote("more")) })
		}, "planet"},
		{"a retired source", func(t *testing.T, db *DB) {
			syncVersions(t, db, func(s []feeds.Source, _ []feeds.Rule) []feeds.Source { return s[1:] })
		}, "planet"},
		{"a configured title of a source", func(t *testing.T, db *DB) {
			syncVersions(t, db, func(s []feeds.Source, _ []feeds.Rule) []feeds.Source { s[2].Title = "New"; return s })
		}, "planet, c y, s own"},
		{"another slug of a source", func(t *testing.T, db *DB) {
			syncVersions(t, db, func(s []feeds.Source, _ []feeds.Rule) []feeds.Source { s[2].Slug = "mine"; return s })
		}, "planet, c y, s mine, s own"},
		{"another title of a category", func(t *testing.T, db *DB) {
			syncVersions(t, db, func(s []feeds.Source, r []feeds.Rule) []feeds.Source { r[1].Title = "New"; return s })
		}, "planet, c y, s a, s own"},
		{"another slug of a category", func(t *testing.T, db *DB) {
			syncVersions(t, db, func(s []feeds.Source, r []feeds.Rule) []feeds.Source { r[1].Slug = "new"; return s })
		}, "planet, c new, c y, s a, s own"},
		{"another rule", func(t *testing.T, db *DB) {
			syncVersions(t, db, func(s []feeds.Source, r []feeds.Rule) []feeds.Source {
				r[1].Match.Words = r[1].Match.Words[:1]
				return s
			})
		}, "planet, c y, s own"},
		{"an empty category more", func(t *testing.T, db *DB) {
			configure(t, db, rulesOf(rule("X", feeds.Match{Words: []string{"Post ax", "Post both"}}),
				rule("Y", feeds.Match{Words: []string{"Post ay", "Post oy"}}), rule("Empty", feeds.Match{})), remote("a"), remote("b"), folder("own"), remote("quiet"))
		}, "planet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				versionStore(t, db)
				before := versions(t, db)
				c.act(t, db)
				if got := scopesOf(raised(t, db, before)); got != c.want {
					t.Errorf("raised %s, want %s", got, c.want)
				}
			})
		})
	}
}

func scopesOf(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	if list[0] == "" {
		list[0] = "planet"
	}
	return strings.Join(list, ", ")
}

// Pages and feeds of what never changed must not be made anew for what follows
// a first failure.
func TestRepeatedFailureRaisesNoVersionAndRecoveryDoes(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch)
		for i, c := range []struct {
			outcome feeds.Outcome
			err     error
			want    string
		}{
			{feeds.Unchanged, nil, "none"}, {feeds.Failed, errFault, "planet"}, {feeds.Failed, errFault, "none"},
			{feeds.Failed, feeds.ErrHTML, "planet"}, {feeds.Gone, feeds.ErrHTML, "planet"}, {feeds.Unchanged, nil, "planet"}, {feeds.Unchanged, nil, "none"},
		} {
			at := epoch.Add(time.Duration(i+1) * time.Hour)
			before := versions(t, db)
			commit(t, db, feeds.Visit{Due: claimed(t, db, "a", at), At: at, Outcome: c.outcome, Err: c.err})
			if got := scopesOf(raised(t, db, before)); got != c.want {
				t.Errorf("visit %d raised %s, want %s", i, got, c.want)
			}
		}
	})
}

// The list of sources says which were never visited.
func TestFirstVisitIsShownThoughItFoundNothing(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		before := versions(t, db)
		commit(t, db, feeds.Visit{Due: claimed(t, db, "a", epoch), At: epoch})
		if got := scopesOf(raised(t, db, before)); got != "planet" {
			t.Errorf("raised %s", got)
		}
	})
}

// A language that only the feed names is none of the configuration.
func TestSyncOfTheSameConfigurationChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		richStore(t, db)
		rules := rulesOf(rule("Big", feeds.Match{}))
		configure(t, db, rules, folder("own"), remote("other"))
		v := visitOf(claimed(t, db, "other", epoch.Add(time.Hour)), epoch.Add(time.Hour), in(post("q", epoch), "Big"))
		v.Feed.Language = "de"
		commit(t, db, v)
		before := dump(t, db)
		configure(t, db, rules, folder("own"), remote("other"))
		if now := dump(t, db); now != before {
			t.Errorf("changed:\n%s", diff(before, now))
		}
	})
}

// Last-Modified is made of it.
func TestVersionNeverGoesBackWhenTheClockDoes(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, in(post("1", epoch), "X"))
		queries := []feeds.Query{{}, {Category: "x"}, {Source: "a"}, {ID: entries(t, db, feeds.Query{})[0].ID}}
		type version struct {
			seq     int64
			changed time.Time
		}
		read := func() (list []version) {
			for _, q := range queries {
				seq, changed, err := db.Version(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, version{seq, changed})
			}
			return list
		}
		before := read()
		back := epoch.Add(-time.Hour)
		commit(t, db, visitOf(claim(t, db, feeds.Want{Now: epoch, Start: epoch.Add(1000), N: 1, All: true})[0], back, in(post("2", back), "X")))
		for i, now := range read() {
			if now.seq <= before[i].seq || now.changed.Before(before[i].changed) || !before[i].changed.Equal(epoch) {
				t.Errorf("%+v: went from %v to %v", queries[i], before[i], now)
			}
		}
		if seq, changed, err := db.Version(t.Context(), feeds.Query{Category: "nobody's"}); seq != 0 || !changed.IsZero() || err != nil {
			t.Errorf("of what was never shown: %d %v %v", seq, changed, err)
		}
	})
}
