package aggregator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/storage"
)

// meter answers every source after a while and notes who is asked when.
type meter struct {
	takes time.Duration
	mu    sync.Mutex
	begun time.Time
	lines []string // "second slug"
	hosts map[string]int
	now   int
	// Most asked at once: of all, and of one host.
	most, mostOfHost int
}

func newMeter(takes time.Duration) *meter {
	return &meter{takes: takes, begun: time.Now(), hosts: map[string]int{}}
}

func (m *meter) fetch(ctx context.Context, s feeds.Source, v feeds.Validators) (fetch.Response, error) {
	host := s.Host()
	m.mu.Lock()
	m.lines = append(m.lines, fmt.Sprintf("%02.0f %s", time.Since(m.begun).Seconds(), s.Slug))
	m.now++
	m.hosts[host]++
	m.most, m.mostOfHost = max(m.most, m.now), max(m.mostOfHost, m.hosts[host])
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.now--
		m.hosts[host]--
		m.mu.Unlock()
	}()
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return fetch.Response{}, ctx.Err()
	}
	return fetch.Response{Status: 304, NotModified: true, Validators: v}, nil
}

// asked are the seconds in which sources were asked whose slug begins so.
func (m *meter) asked(prefix string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []string{}
	for _, l := range m.lines {
		if second, slug, _ := strings.Cut(l, " "); strings.HasPrefix(slug, prefix) {
			out = append(out, second)
		}
	}
	slices.Sort(out)
	return out
}

// at is the n-th source of a host.
func at(host string, n int) feeds.Source {
	return feeds.Source{Slug: fmt.Sprintf("%s-%d", strings.ToLower(host), n), URL: fmt.Sprintf("https://%s.example/%d", host, n)}
}

func several(host string, n int) (list []feeds.Source) {
	for i := range n {
		list = append(list, at(host, i))
	}
	return list
}

// fetching.md 35.
func TestHostIsAskedOneAtATimeWithAPauseAndOthersMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := stored(t, append(append(several("busy", 4), at("BUSY", 9)), several("calm", 1)...)...)
		m := newMeter(2 * time.Second)
		a, _ := newAggregator(db, m.fetch, func(o *Options) { o.Now, o.Pause = time.Now, time.Second })
		if s := refresh(t, a, Pass{}); s.Sources != 6 || s.Took != 14*time.Second {
			t.Errorf("summary %s", s)
		}
		same(t, "the busy host", m.asked("busy"), []string{"00", "03", "06", "09", "12"})
		same(t, "the calm host", m.asked("calm"), []string{"00"})
	})
}

// fetching.md 35: whose hosts have one domain is asked as one.
func TestHostsOfOneDomainAreAskedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list []feeds.Source
		for i := range 3 {
			list = append(list, feeds.Source{Slug: fmt.Sprint("blog-", i), URL: fmt.Sprintf("https://blog%d.big.example/", i)},
				feeds.Source{Slug: fmt.Sprint("page-", i), URL: fmt.Sprintf("https://blog%d.github.io/", i)})
		}
		m := newMeter(2 * time.Second)
		a, _ := newAggregator(stored(t, list...), m.fetch, func(o *Options) { o.Now, o.Pause = time.Now, time.Second })
		refresh(t, a, Pass{})
		same(t, "of one", m.asked("blog"), []string{"00", "03", "06"})
		same(t, "of a suffix where everybody may have one", m.asked("page"), []string{"00", "00", "00"})
	})
}

func TestNoHostIsAskedMoreOftenAtOnceThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := stored(t, append(several("a", 9), several("b", 9)...)...)
		m := newMeter(2 * time.Second)
		a, _ := newAggregator(db, m.fetch, func(o *Options) { o.Now, o.PerHost, o.Concurrency = time.Now, 3, 32 })
		refresh(t, a, Pass{})
		if m.mostOfHost != 3 || m.most != 6 {
			t.Errorf("at most %d of a host, %d of all were asked at once", m.mostOfHost, m.most)
		}
	})
}

func TestNoMoreSourcesAreAskedAtOnceThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list []feeds.Source
		for i := range 20 {
			list = append(list, at(fmt.Sprintf("host%d", i), 0))
		}
		db := stored(t, list...)
		m := newMeter(time.Second)
		a, _ := newAggregator(db, m.fetch, func(o *Options) { o.Now, o.Concurrency = time.Now, 4 })
		if s := refresh(t, a, Pass{}); s.Sources != 20 || s.Took != 5*time.Second || m.most != 4 {
			t.Errorf("%s, at most %d at once", s, m.most)
		}
	})
}

// A folder is ours: nobody is asked, so nobody is spared.
func TestFoldersWaitForNoHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list []feeds.Source
		for i := range 3 {
			list = append(list, feeds.Source{Slug: fmt.Sprintf("f%d", i), URL: fmt.Sprintf("file:///posts/%d", i)})
		}
		db := stored(t, list...)
		m := newMeter(time.Second)
		a, _ := newAggregator(db, m.fetch, func(o *Options) { o.Now, o.Pause = time.Now, time.Minute })
		refresh(t, a, Pass{})
		same(t, "asked", m.asked("f"), []string{"00", "00", "00"})
	})
}

// Who has waited half its lease for its host is left to the next pass: its
// visit might end after the lease, and be for nothing.
func TestSourceThatWaitedTooLongIsVisitedInAnotherPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := stored(t, several("slow", 5)...)
		m := newMeter(3 * time.Minute)
		a, l := newAggregator(db, m.fetch, func(o *Options) { o.Now = time.Now })
		var counts []string
		for range 3 {
			counts = append(counts, fmt.Sprint(refresh(t, a, Pass{}).Sources))
		}
		same(t, "visits a pass", counts, []string{"3", "2", "0"})
		same(t, "visited", l.slugs(), []string{"slow-0", "slow-1", "slow-2", "slow-3", "slow-4"})
	})
}

// A source that answers nothing holds up its own host and nobody else.
func TestHangingSourceKeepsNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := stored(t, append([]feeds.Source{remote("hangs")}, several("calm", 5)...)...)
		m := newMeter(time.Second)
		f := fakes{"hangs": func(ctx context.Context, _ feeds.Source, _ feeds.Validators) (fetch.Response, error) {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // as fetch.HTTP does
			defer cancel()
			<-ctx.Done()
			return fetch.Response{}, fmt.Errorf("no answer from hangs.example within 30s: %w", ctx.Err())
		}}
		a, l := newAggregator(db, func(ctx context.Context, s feeds.Source, v feeds.Validators) (fetch.Response, error) {
			if s.Slug == "hangs" {
				return f.fetch(ctx, s, v)
			}
			return m.fetch(ctx, s, v)
		}, func(o *Options) { o.Now, o.Concurrency = time.Now, 2 })
		if s := refresh(t, a, Pass{}); s.Failed != 1 || s.Unchanged != 5 || s.Took != 30*time.Second {
			t.Errorf("summary %s", s)
		}
		same(t, "calm", m.asked("calm"), []string{"00", "01", "02", "03", "04"})
		if last := l.visits[len(l.visits)-1]; last.Due.Source.Slug != "hangs" {
			t.Errorf("the last one told of is %s", last.Due.Source.Slug)
		}
	})
}

func TestRunVisitsNowAndThenAsScheduledAndNeverTwiceAtOnce(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		want  []string // when the source is asked, in seconds
	}{
		{0, []string{"00", "01", "02", "03", "04", "05"}},
		{2500 * time.Millisecond, []string{"00", "03"}},
	} {
		t.Run(c.takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := stored(t, remote("a"))
				m := newMeter(c.takes)
				a, _ := newAggregator(db, m.fetch, func(o *Options) { o.Now, o.Intervals = time.Now, Intervals{} })
				ctx, cancel := context.WithTimeout(t.Context(), 5400*time.Millisecond) // while the second is asked, not as it ends
				defer cancel()
				reports := 0
				err := a.Run(ctx, "@every 1s", func(s Summary, err error) {
					reports++
					if err != nil || s.Sources != 1 {
						t.Errorf("report: %s, %v", s, err)
					}
				})
				if err != nil {
					t.Error(err)
				}
				same(t, "asked", m.asked("a"), c.want)
				if m.most != 1 || reports != len(m.asked("a"))-map[bool]int{true: 1}[c.takes > 0] { // the last one was ended
					t.Errorf("%d at once, %d reports", m.most, reports)
				}
			})
		})
	}
}

// claimedByAnother is a store of a and b, of which another process has b for so long.
func claimedByAnother(t *testing.T, lease time.Duration) *storage.DB {
	t.Helper()
	path := newFile(t)
	here, there := open(t, path), open(t, path)
	now := time.Now()
	if err := here.Sync(t.Context(), epoch, []feeds.Source{remote("a"), remote("b")}, &feeds.Rules{}); err != nil {
		t.Fatal(err)
	}
	if due, err := there.Claim(t.Context(), feeds.Want{Now: now, Start: now, N: 1, Lease: lease, Slugs: []string{"b"}}); len(due) != 1 || err != nil {
		t.Fatal(due, err)
	}
	return here
}

// A worker that died has its sources until its lease ends, and no longer.
func TestRunVisitsWhatAnotherHadClaimedWhenItsLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := claimedByAnother(t, 40*time.Second)
		m := newMeter(0)
		a, _ := newAggregator(db, m.fetch, func(o *Options) { o.Now = time.Now })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var reports []string
		if err := a.Run(ctx, "@every 1h", func(s Summary, err error) { reports = append(reports, fmt.Sprint(s.Sources, err)) }); err != nil {
			t.Error(err)
		}
		same(t, "asked for a", m.asked("a"), []string{"00"})
		same(t, "asked for b", m.asked("b"), []string{"40"})
		same(t, "reports", reports, []string{"1 <nil>", "1 <nil>"})
	})
}

// The pass that finds them claimed may still be waiting for a slow one when the lease ends.
func TestRunVisitsWhatAnotherHadClaimedThoughALongPassGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := claimedByAnother(t, 20*time.Second)
		m := newMeter(50 * time.Second)
		a, _ := newAggregator(other, m.fetch, func(o *Options) { o.Now = time.Now })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := a.Run(ctx, "@every 1h", func(Summary, error) {}); err != nil {
			t.Error(err)
		}
		same(t, "asked for b", m.asked("b"), []string{"50"})
	})
}

// A store in trouble is no reason to ask others again and again.
func TestRunAsksNobodyMoreOftenBecauseTheStoreIsInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &brokenStore{DB: stored(t, remote("a"), remote("b")), commit: func(feeds.Visit) error { return errTrouble }}
		m := newMeter(0)
		a, _ := newAggregator(b, m.fetch, func(o *Options) { o.Now, o.Pause = time.Now, time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), 59*time.Minute)
		defer cancel()
		if err := a.Run(ctx, "@every 1h", func(Summary, error) {}); err != nil {
			t.Error(err)
		}
		if n := len(m.asked("a")) + len(m.asked("b")); n > 2 {
			t.Errorf("they were asked %d times", n)
		}
	})
}

func TestRunRefusesAScheduleNobodyUnderstands(t *testing.T) {
	a, _ := newAggregator(stored(t), fakes{}.fetch, nil)
	if err := a.Run(t.Context(), "whenever", nil); err == nil || !strings.Contains(err.Error(), `schedule "whenever"`) {
		t.Errorf("error %v", err)
	}
}

// The store's trouble ends a pass, not the schedule.
func TestRunGoesOnAfterTroubleOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &brokenStore{DB: stored(t, remote("a"))}
		passes := 0
		b.commit = func(feeds.Visit) error {
			if passes++; passes == 1 {
				return errTrouble
			}
			return nil
		}
		a, _ := newAggregator(b, fakes{}.fetch, func(o *Options) { o.Now = time.Now })
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		var reports []string
		if err := a.Run(ctx, "@every 1m", func(s Summary, err error) { reports = append(reports, fmt.Sprint(s.Sources, err)) }); err != nil {
			t.Error(err)
		}
		same(t, "reports", reports, []string{"0 " + errTrouble.Error(), "1 <nil>"})
	})
}

// hostile.md, Faults: a host that hangs costs the pass two timeouts and not one for
// each of its sources.
func TestHostThatDoesNotAnswerIsNotWaitedForAgain(t *testing.T) {
	var list []feeds.Source
	for i := range 5 {
		list = append(list, feeds.Source{Slug: fmt.Sprintf("dead%d", i), URL: fmt.Sprintf("https://dead.example/%d", i)})
	}
	// Another machine of the same domain answers, and last.
	db := stored(t, append(list, feeds.Source{Slug: "well", URL: "https://well.dead.example/"})...)
	asked := map[string]int{}
	var mu sync.Mutex
	a, _ := newAggregator(db, func(_ context.Context, s feeds.Source, _ feeds.Validators) (fetch.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		asked[s.Host()]++
		if s.Host() == "dead.example" {
			return fetch.Response{}, fmt.Errorf("no answer: %w", context.DeadlineExceeded)
		}
		return fetch.Response{Status: 200, Feed: &feeds.Feed{}}, nil
	}, nil)
	sum := refresh(t, a, Pass{})
	if sum.Sources != 6 || sum.Failed != 5 || asked["dead.example"] != silentVisits || asked["well.dead.example"] != 1 {
		t.Errorf("%v, asked %v", sum, asked)
	}
	said := 0
	for _, s := range sources(t, db) {
		if strings.Contains(s.State.LastError, "was not asked again") {
			said++
		}
	}
	if said != 3 {
		t.Errorf("%d sources say why they were not asked", said)
	}
}
