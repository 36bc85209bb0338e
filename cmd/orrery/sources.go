package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orrery/aggregator"
	"orrery/feeds"
)

func (p *program) sources() *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use:   "sources [SOURCE...]",
		Short: "List the sources: state, last success, next visit, entries, last error",
		Long: `Lists the configured sources. With the names of some it says all about them: what
they answered last, when they are visited next, and why then.`,
		Example: `  orrery sources
  orrery sources jitsi                    what it answered, why it is visited when it is
  orrery sources --json | jq 'select(.state == "failing")'`,
		RunE: func(c *cobra.Command, args []string) error {
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			defer pl.close()
			list, err := pl.store.Sources(c.Context())
			if err != nil {
				return err
			}
			if list, err = chosen(list, args, all || asJSON); err != nil {
				return err
			}
			hosts, err := pl.store.BusyHosts(c.Context(), time.Now())
			if err != nil {
				return err
			}
			heedHosts(list, hosts)
			held, err := pl.store.Held(c.Context())
			if err != nil {
				return err
			}
			switch {
			case asJSON:
				return p.sourcesJSON(list, held)
			case len(args) > 0:
				p.sourceDetails(list, held)
				return nil
			}
			return p.sourcesTable(list, held)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line, also of those that --all adds")
	c.Flags().BoolVar(&all, "all", false, "also those that are no longer configured")
	c.AddCommand(p.sourcesAdd(), p.sourcesPause(), p.sourcesResume())
	return c
}

// chosen are the sources that were named, or all that are shown.
func chosen(list []feeds.Source, names []string, retired bool) ([]feeds.Source, error) {
	for _, n := range names {
		if !slices.ContainsFunc(list, func(s feeds.Source) bool { return s.Slug == n }) {
			return nil, wrongUsage("there is no source %q; orrery sources lists them", n)
		}
	}
	return slices.DeleteFunc(list, func(s feeds.Source) bool {
		if len(names) > 0 {
			return !slices.Contains(names, s.Slug)
		}
		return s.Retired && !retired
	}), nil
}

// heedHosts puts off the next visits of those whose hosts are left alone until later.
func heedHosts(list []feeds.Source, hosts map[string]time.Time) {
	for i := range list {
		s := &list[i]
		if until := hosts[s.Domain()]; until.After(s.State.NextVisit) && !s.State.NextVisit.IsZero() {
			s.State.NextVisit, s.Answer.Next = until, busyHost(s.Domain())
		}
	}
}

func (p *program) sourcesTable(list []feeds.Source, held map[string]feeds.HeldPosts) error {
	t := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "SOURCE\tSTATE\tENTRIES\tLAST SUCCESS\tNEXT VISIT")
	for i := range list {
		s := &list[i]
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", s.Slug, s.Condition(), s.Entries,
			shortTime(s.State.LastSuccess, "never"), nextVisit(s))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range list {
		if e := list[i].State.LastError; e != "" && !list[i].Retired {
			fmt.Fprintf(p.stdout, "\n%s: %s\n", list[i].Slug, strings.ReplaceAll(e, "\n", "\n  "))
		}
	}
	for i := range list {
		if flood := floodOf(list[i].Slug, held); flood != "" {
			fmt.Fprintf(p.stdout, "\n%s: %s\n", list[i].Slug, flood)
		}
	}
	return nil
}

// floodOf says what is held back of the source as a flood, and what to do; "" for
// nothing.
func floodOf(slug string, held map[string]feeds.HeldPosts) string {
	h := held[slug]
	if h.Posts == 0 {
		return ""
	}
	return fmt.Sprintf("%s held back as a flood until %s; orrery release %s shows them now",
		count(h.Posts, "post is", "posts are"), shortTime(h.Until, ""), slug)
}

// sourceDetails says all there is to say of the sources.
func (p *program) sourceDetails(list []feeds.Source, held map[string]feeds.HeldPosts) {
	for i := range list {
		s := &list[i]
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		fmt.Fprintf(p.stdout, "%s: %s, %s\n", s.Slug, s.Condition(), count(s.Entries, "entry", "entries"))
		next := nextVisit(s)
		if why := cmp.Or(never(s), s.Answer.Next); why != "" {
			next += ": " + why
		}
		moving := ""
		if s.Moving.To != "" {
			moving = fmt.Sprintf("%s, since %s, in %s", s.Moving.To, shortTime(s.Moving.Since, ""), count(s.Moving.Seen, "visit", "visits"))
		}
		p.details([][2]string{
			{"title", s.Name()}, {"address", redacted(s.URL)}, {"moved to", redacted(s.Address)}, {"moving to", moving}, {"page", s.Home()},
			{"last visit", shortTime(s.State.LastVisit, "never")}, {"last success", shortTime(s.State.LastSuccess, "never")},
			{"next visit", next}, {"writes", tempo(s.Pace)}, {"asks for", wishes(s.Pace)},
			{"past", backfill(s.Backfill)}, {"keeps", retained(s.Retain)}, {"held back", floodOf(s.Slug, held)}, {"trouble", strings.ReplaceAll(s.State.LastError, "\n", "; ")},
		})
		p.showAnswer(s.State.Status, s.Answer)
	}
}

// details prints what is not empty, a line each.
func (p *program) details(lines [][2]string) {
	for _, l := range lines {
		if l[1] != "" {
			fmt.Fprintf(p.stdout, "  %-13s%s\n", l[0], l[1])
		}
	}
}

// showAnswer prints the last answer of a server, if there was one.
func (p *program) showAnswer(status int, a feeds.Answer) {
	if a.URL == "" {
		return
	}
	said := "nothing"
	if status != 0 {
		said = strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	}
	if a.Bytes > 0 {
		said += fmt.Sprintf(", %d bytes", a.Bytes)
	}
	p.details([][2]string{{"answer", fmt.Sprintf("%s, after %s", said, a.Took)}, {"of", a.URL}, {"by way of", strings.Join(a.Hops, ", ")}})
	for _, h := range a.Header {
		fmt.Fprintf(p.stdout, "    %s\n", h)
	}
}

// tempo is how often a source writes, "" when that is not known.
func tempo(p feeds.Pace) string {
	if p.Newest.IsZero() {
		return ""
	}
	s := "last " + p.Newest.UTC().Format(time.DateOnly)
	if p.Tempo > 0 {
		s = "about every " + aggregator.Span(p.Tempo) + ", " + s
	}
	return s
}

// wishes are what the feed and its server ask for.
func wishes(p feeds.Pace) string {
	var list []string
	for _, w := range []struct {
		d    time.Duration
		what string
	}{{p.MaxAge, "fresh for %s"}, {p.TTL, "ttl %s"}, {p.Period, "updated every %s"}} {
		if w.d > 0 {
			list = append(list, fmt.Sprintf(w.what, aggregator.Span(w.d)))
		}
	}
	if len(p.SkipHours) > 0 {
		list = append(list, fmt.Sprintf("not in the hours %v GMT", p.SkipHours))
	}
	if len(p.SkipDays) > 0 {
		list = append(list, fmt.Sprintf("not on %v", p.SkipDays))
	}
	return strings.Join(list, ", ")
}

func backfill(b feeds.Backfill) string {
	if b.URL == "" {
		return b.Lost
	}
	s := fmt.Sprintf("to be read from %s on, at most %s", b.URL, count(b.Left, "document", "documents"))
	if b.Failures > 0 {
		s += fmt.Sprintf("; not before %s, since it failed %s: %s", shortTime(b.After, ""), count(b.Failures, "time", "times"), b.Trouble)
	}
	return s
}

// retained is how much of its past a source keeps, "" for all.
func retained(r feeds.Retain) string {
	var list []string
	if r.Entries > 0 {
		list = append(list, "the newest "+count(r.Entries, "post", "posts"))
	}
	if r.Days > 0 {
		list = append(list, "what is not older than "+count(r.Days, "day", "days"))
	}
	return strings.Join(list, ", and only ")
}

func nextVisit(s *feeds.Source) string {
	switch {
	case never(s) != "":
		return "never"
	case s.Local() && s.Every == 0, s.State.NextVisit.IsZero():
		return "next pass"
	}
	return shortTime(s.State.NextVisit, "next pass")
}

func shortTime(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.Local().Format("2006-01-02 15:04")
}

// sourceJSON is a source as sources --json prints it; times are RFC 3339 or null.
type sourceJSON struct {
	Slug        string     `json:"slug"`
	URL         string     `json:"url"`
	Title       string     `json:"title"`
	Site        string     `json:"site"`
	State       string     `json:"state"`
	Entries     int        `json:"entries"`
	Updated     *time.Time `json:"updated"`
	LastVisit   *time.Time `json:"last_visit"`
	LastSuccess *time.Time `json:"last_success"`
	NextVisit   *time.Time `json:"next_visit"` // null: never, or with the next pass
	Failures    int        `json:"failures"`
	Status      int        `json:"status"`
	LastError   string     `json:"last_error"`
	Address     string     `json:"address"`  // where it has moved to; "" for nowhere
	Why         string     `json:"next_why"` // the reason for next_visit
	TempoHours  float64    `json:"tempo_hours"`
	Hops        []string   `json:"hops"`   // of the last answer
	Header      []string   `json:"header"` // the lines of it that matter
	Bytes       int        `json:"bytes"`
	TookMS      int64      `json:"took_ms"`
	HeldPosts   int        `json:"held_posts"` // back, as a flood
	HeldUntil   *time.Time `json:"held_until"`
}

func (p *program) sourcesJSON(list []feeds.Source, held map[string]feeds.HeldPosts) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	for i := range list {
		s := &list[i]
		next, why := nextOf(s, s.State.NextVisit, s.Answer.Next)
		if err := e.Encode(sourceJSON{
			Slug: s.Slug, URL: s.URL, Title: s.Name(), Site: s.Home(), State: s.Condition(), Entries: s.Entries,
			Updated: timeOrNull(s.Updated), LastVisit: timeOrNull(s.State.LastVisit), LastSuccess: timeOrNull(s.State.LastSuccess),
			NextVisit: next, Failures: s.State.Failures, Status: s.State.Status, LastError: s.State.LastError,
			Address: s.Address, Why: why, TempoHours: s.Pace.Tempo.Hours(), Hops: append([]string{}, s.Answer.Hops...),
			Header: append([]string{}, s.Answer.Header...), Bytes: s.Answer.Bytes, TookMS: s.Answer.Took.Milliseconds(),
			HeldPosts: held[s.Slug].Posts, HeldUntil: timeOrNull(held[s.Slug].Until),
		}); err != nil {
			return err
		}
	}
	return nil
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// titleOf names an entry for people.
func titleOf(e *feeds.Entry) string {
	return cmp.Or(e.Title, feeds.Excerpt(cmp.Or(e.Content, e.Summary), 60), e.Permalink, e.GUID)
}
