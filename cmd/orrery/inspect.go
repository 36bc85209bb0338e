package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery/aggregator"
	"orrery/aggregator/fetch"
	"orrery/config"
	"orrery/feeds"
	"orrery/storage"
)

func (p *program) inspect() *cobra.Command {
	var asJSON, strict bool
	c := &cobra.Command{
		Use:   "inspect URL|FILE...",
		Short: "Show what Orrery reads in a feed or post, storing nothing",
		Long: `Reads feeds from addresses or files, and Markdown posts from files, and shows
what Orrery understands and in which categories it would put it. The rules of
orrery.yaml apply where there is one; none is needed. A server that asked to be
left alone is not asked.`,
		Example: `  orrery inspect https://blog.example.org/feed.xml
  orrery inspect content/posts/hello-planet.md
  orrery inspect --json *.xml | jq .feed.title`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrongUsage("orrery inspect needs an address or a file; see orrery inspect --help")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return p.inspectAll(c.Context(), args, asJSON, strict) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object an input, one a line")
	c.Flags().BoolVar(&strict, "strict", false, "exit with 1 when any input could not be read, not only when none could")
	return c
}

func (p *program) inspectAll(ctx context.Context, inputs []string, asJSON, strict bool) error {
	pl, err := p.loadOrDefault()
	if err != nil {
		return err
	}
	defer pl.close()
	failed, wishes := 0, pl.wishes(ctx)
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	for i, input := range inputs {
		x := pl.inspect(ctx, input, wishes)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if x.err != nil {
			failed++
		}
		switch {
		case asJSON:
			if err := e.Encode(newInputJSON(x)); err != nil {
				return err
			}
		case x.err != nil:
			fmt.Fprintf(p.stderr, "%s: %s\n", input, feeds.Explain(x.err))
			p.showVisit(x)
		default:
			if i > 0 {
				fmt.Fprintln(p.stdout)
			}
			p.showFeed(x)
		}
	}
	if failed > 0 && (strict || failed == len(inputs)) {
		return fmt.Errorf("%d of %s could not be read", failed, count(len(inputs), "input", "inputs"))
	}
	return nil
}

// loadOrDefault is load, or where there is no configuration and none was asked
// for, a planet of no sources.
func (p *program) loadOrDefault() (*planet, error) {
	pl, err := p.load()
	if err == nil || !errors.Is(err, fs.ErrNotExist) || p.configFile != "" || p.getenv("ORRERY_CONFIG") != "" {
		return pl, err
	}
	c, err := config.Parse("orrery.yaml", []byte("planet: {title: Planet, url: http://localhost/}\n"), p.getenv)
	if err != nil {
		return nil, err
	}
	return newPlanet(c)
}

// inspection is what was read of an input.
type inspection struct {
	input  string
	source feeds.Source
	feed   *feeds.Feed  // nil with an error; its entries are in their categories
	visit  *feeds.Visit // what a visit would do; nil for a file
	change *feeds.Tally // in the store; nil where the source is not stored
	left   string       // why the post of a file is not taken for now: a draft, or of another time
	err    error
}

// inspect reads one input.
func (pl *planet) inspect(ctx context.Context, input string, wishes func(*feeds.Source) string) inspection {
	x := inspection{input: input, source: pl.sourceOf(input)}
	if strings.HasPrefix(input, "http://") || strings.HasPrefix(input, "https://") {
		pl.inspectURL(ctx, &x, wishes)
	} else {
		x.feed, x.left, x.err = pl.inspectFile(input, x.source)
	}
	if x.err != nil {
		x.feed = nil
		return x
	}
	for i := range x.feed.Entries {
		x.feed.Entries[i].Categories = pl.rules.For(&x.feed.Entries[i], &x.source)
	}
	return x
}

// inspectURL looks at an address and says what a visit would do with the answer:
// where it is one of the sources, with what is stored of it.
func (pl *planet) inspectURL(ctx context.Context, x *inspection, wishes func(*feeds.Source) string) {
	if wish := wishes(&x.source); wish != "" {
		x.err = errors.New("not asked: " + wish)
		if x.source.Slug != noSource {
			x.err = fmt.Errorf("%w; orrery sources %s shows what it answered last", x.err, x.source.Slug)
		}
		return
	}
	var r fetch.Response
	r, x.err = aggregator.Look(ctx, pl.fetchers(), x.source, feeds.Validators{})
	x.feed = r.Feed
	known := map[string]feeds.Known{}
	stored := pl.remember(ctx, x, known)
	f := pl.config.Fetch
	v := aggregator.Preview(time.Now(), x.source, r, x.err, known, &pl.rules, aggregator.Intervals{Min: f.MinInterval, Max: f.MaxInterval})
	x.visit, x.err = &v, v.Err
	if !stored || v.Err != nil {
		return
	}
	x.change = &feeds.Tally{}
	for i := range v.Feed.Entries {
		if _, ok := known[v.Feed.Entries[i].GUID]; ok {
			x.change.Revised++
		} else {
			x.change.New++
		}
	}
}

// next is when the source would be visited after the look, null for never, and why then.
func (x *inspection) next() (*time.Time, string) {
	s := x.source
	s.State.Gone = false // the visit knows better
	return nextOf(&s, x.visit.Next, x.visit.Answer.Next)
}

// remember fills in what the store knows of the source, if it is one and there is
// a store. A store that cannot be opened is no reason not to look at a feed.
func (pl *planet) remember(ctx context.Context, x *inspection, known map[string]feeds.Known) bool {
	if x.source.Slug == noSource {
		return false
	}
	if stored, err := pl.stored(ctx); err != nil || !stored {
		return false
	}
	db, err := storage.Open(ctx, pl.config.Storage)
	if err != nil {
		return false
	}
	defer db.Close()
	list, err := db.Sources(ctx)
	if err != nil {
		return false
	}
	i := slices.IndexFunc(list, func(s feeds.Source) bool { return s.Slug == x.source.Slug })
	if i < 0 {
		return false
	}
	x.source = list[i]
	if x.feed == nil {
		return true
	}
	var guids []string
	for k := range x.feed.Entries {
		guids = append(guids, x.feed.Entries[k].GUID)
	}
	have, err := db.Known(ctx, x.source.ID, guids)
	maps.Copy(known, have)
	return err == nil
}

// sourceOf is the configured source that the input belongs to, or one made up
// for it.
func (pl *planet) sourceOf(input string) feeds.Source {
	abs, err := filepath.Abs(input)
	for _, s := range pl.sources {
		folder := strings.TrimPrefix(s.URL, "file://")
		if s.URL == input || s.Local() && err == nil && strings.HasPrefix(abs, folder+string(filepath.Separator)) {
			return s
		}
	}
	return feeds.Source{Slug: noSource, URL: input}
}

// noSource is the slug of what is none of the planet's.
const noSource = "input"

// inspectFile reads a file; left says why the post in it is not taken for now.
func (pl *planet) inspectFile(path string, s feeds.Source) (f *feeds.Feed, left string, err error) {
	i, err := os.Stat(path)
	if err == nil && !i.Mode().IsRegular() { // a pipe would be waited for without end
		err = fmt.Errorf("%s is no file; name a feed or a post", path)
	}
	if err != nil {
		return nil, "", err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".md" || ext == ".markdown" {
		name := filepath.Base(path)
		if abs, err := filepath.Abs(path); err == nil && s.Local() {
			name = strings.TrimPrefix(abs, strings.TrimPrefix(s.URL, "file://")+string(filepath.Separator))
		}
		e, err := (&fetch.Folder{Zone: pl.config.Planet.Timezone}).ReadPost(name, data, s)
		switch {
		case errors.Is(err, fetch.ErrNotPublished):
			left = err.Error()
		case err != nil:
			return nil, "", err
		}
		f = &feeds.Feed{Format: "markdown", Encoding: "utf-8", Entries: []feeds.Entry{e}}
	} else if f, err = feeds.Read(data, "", ""); err != nil {
		return nil, "", err
	}
	feeds.Normalize(f, s.Site)
	return f, left, nil
}

func newInputJSON(x inspection) inputJSON {
	f := x.feed
	j := inputJSON{Input: x.input, Repaired: []string{}, Entries: []entryJSON{}, Answer: newAnswerJSON(x)}
	if x.err != nil {
		text := feeds.Explain(x.err)
		j.Error, j.Feed = &text, newFeedJSON(&feeds.Feed{})
		return j
	}
	j.Format, j.Encoding, j.Feed = f.Format, f.Encoding, newFeedJSON(f)
	if x.left != "" {
		j.Left = &x.left
	}
	j.Repaired = append(j.Repaired, f.Repaired...)
	for i := range f.Entries {
		j.Entries = append(j.Entries, newEntryJSON(&f.Entries[i], x.source.URL))
	}
	return j
}

// showFeed prints what was read, for people.
func (p *program) showFeed(x inspection) {
	f := x.feed
	fmt.Fprintf(p.stdout, "%s: %s, %s, %s\n", x.input, f.Format, f.Encoding, count(len(f.Entries), "entry", "entries"))
	for _, l := range [][2]string{
		{"title", f.Title}, {"page", f.Link}, {"feed", f.Self}, {"language", f.Language},
		{"hubs", strings.Join(f.Hubs, " ")}, {"repaired", strings.Join(f.Repaired, ", ")},
	} {
		if l[1] != "" {
			fmt.Fprintf(p.stdout, "  %-10s%s\n", l[0], l[1])
		}
	}
	p.showVisit(x)
	for i := range f.Entries {
		p.showEntry(&f.Entries[i], &x)
	}
}

// showVisit prints what a visit would do.
func (p *program) showVisit(x inspection) {
	if x.visit == nil {
		return
	}
	change := ""
	if c := x.change; c != nil {
		change = fmt.Sprintf("%d new, %d revised", c.New, c.Revised)
	}
	next, why := x.next()
	when := "never"
	if next != nil {
		when = shortTime(*next, "")
	}
	p.details([][2]string{
		{"would change", change}, {"writes", tempo(x.visit.Pace)}, {"asks for", wishes(x.visit.Pace)},
		{"next visit", when + ": " + why},
	})
	p.showAnswer(x.visit.Status, x.visit.Answer)
}

func (p *program) showEntry(e *feeds.Entry, x *inspection) {
	fmt.Fprintf(p.stdout, "\n%s  %s\n", day(e.Published, e.Updated), titleOf(e))
	var authors, categories, tags []string
	for _, a := range e.Authors {
		authors = append(authors, a.Name)
	}
	for _, c := range e.Categories {
		categories = append(categories, c.Title)
	}
	for _, t := range e.Tags {
		tags = append(tags, t.Term)
	}
	kept := ""
	switch {
	case x.left != "":
		kept = "no: " + x.left
	case !x.source.Kept(e):
		kept = "no: keep or drop of the source decides so"
	}
	for _, l := range [][2]string{
		{"address", e.Permalink}, {"guid", e.GUID}, {"authors", strings.Join(authors, ", ")}, {"language", e.Language},
		{"tags", strings.Join(tags, ", ")}, {"categories", strings.Join(categories, ", ")}, {"taken", kept},
		{"text", feeds.Excerpt(e.Content, 160)},
	} {
		if l[1] != "" {
			fmt.Fprintf(p.stdout, "  %-12s%s\n", l[0], l[1])
		}
	}
}

// day is the first of the times that is known.
func day(times ...time.Time) string {
	for _, t := range times {
		if !t.IsZero() {
			return t.Format(time.DateOnly)
		}
	}
	return "undated   "
}
