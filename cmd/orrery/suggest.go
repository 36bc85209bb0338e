package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"orrery/config"
	"orrery/feeds"
	"orrery/storage"
)

// mostSuggestions of a kind are printed; whoever follows them sees the next.
const mostSuggestions = 20

// suggest says which of the stored names look like one, with what to write to make
// them one. Without a store it is silent, and a server that does not answer is no mistake
// in the configuration, nor is a damaged file. The error is of a database of others.
func (p *program) suggest(ctx context.Context, pl *planet) (string, error) {
	if stored, err := pl.stored(ctx); err == nil && !stored {
		return "", nil
	}
	categories, authors, err := namesIn(ctx, pl.config.Storage)
	switch {
	case errors.Is(err, storage.ErrForeign):
		return "", err
	case err != nil:
		fmt.Fprintf(p.stderr, "the names in the database were not compared: %v\n", err)
		return "", nil
	}
	var b strings.Builder
	for _, list := range [][]string{pl.likeCategories(categories), pl.likeAuthors(authors)} {
		for _, s := range list[:min(len(list), mostSuggestions)] {
			b.WriteString(s)
		}
		if more := len(list) - mostSuggestions; more > 0 {
			fmt.Fprintf(&b, "and %d more like these\n", more)
		}
	}
	return b.String(), nil
}

// storageTrouble says why there is no file of a database and none could be made.
func storageTrouble(c *config.Config) error {
	file, ok := strings.CutPrefix(c.Storage, "sqlite:")
	if !ok {
		return nil
	}
	p := config.Problem{File: c.Path, Line: 1, Column: 1}
	dir := filepath.Dir(file)
	i, err := os.Stat(file)
	in, errIn := os.Stat(dir)
	switch {
	case err == nil && i.IsDir():
		p.Message, p.Hint = "storage: "+file+" is a folder", "name a file in it"
	case errors.Is(errIn, fs.ErrNotExist):
		p.Message, p.Hint = "storage: the folder "+dir+" does not exist", "create it, or correct the path"
	case errIn == nil && !in.IsDir():
		p.Message, p.Hint = "storage: "+dir+" is no folder", "name the folder that is to hold the database"
	default:
		return nil
	}
	return config.Errors{p}
}

// namesIn reads the categories and the authors of a store, these with their entries.
func namesIn(ctx context.Context, dsn string) ([]feeds.Category, map[string]int, error) {
	db, err := storage.Open(ctx, dsn)
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	categories, err := db.Categories(ctx)
	if err != nil {
		return nil, nil, err
	}
	authors, err := db.Authors(ctx)
	return categories, authors, err
}

// likeCategories are the suggestions for categories. What the configuration has
// already made one is left out, though the store may not know of it yet.
func (pl *planet) likeCategories(stored []feeds.Category) []string {
	entries, slugs, settled := map[string]int{}, map[string]string{}, map[string]int{}
	for i, c := range pl.config.Categories {
		entries[c.Title], settled[c.Title] = 0, i
	}
	for _, c := range stored {
		title := pl.rules.Name(c.Title, c.CategoryName).Title
		if _, ok := settled[title]; ok || pl.staysApart(title) {
			entries[title] += c.Entries
			slugs[title] = c.Slug
		}
	}
	var list []string
	for _, g := range alike(entries, settled) {
		c, place := config.Category{Title: g[0], Slug: slugs[g[0]], Match: config.Match{Tags: g[:1]}}, "put this below"
		if i, ok := settled[g[0]]; ok {
			c, place = pl.config.Categories[i], "change it so below"
		}
		c.Match.Tags = slices.Concat(c.Match.Tags, g[1:])
		list = append(list, fmt.Sprintf("%s look like one category; to make them one, %s categories:\n%s%s",
			named(g, entries), place, c.Item(), pl.renamed(g[1:], g[0])))
	}
	return list
}

// staysApart says that the title of no configured category goes on being a category
// of its own: no rule takes it, and a tag or a source makes it.
func (pl *planet) staysApart(title string) bool {
	tagged := feeds.Entry{Tags: []feeds.Tag{{Term: title}}}
	for i := range pl.rules.Rules {
		if (feeds.Match{Tags: pl.rules.Rules[i].Match.Tags}).Entry(&tagged, "") {
			return false
		}
	}
	return pl.rules.TagsAsCategories || len(pl.sourcesFor(title)) > 0
}

// sourcesFor are the slugs of the sources all of whose entries go into the category.
func (pl *planet) sourcesFor(title string) []string {
	var slugs []string
	f := feeds.FoldTag(title)
	for i := range pl.sources {
		if slices.ContainsFunc(pl.sources[i].Categories, func(c feeds.CategoryName) bool { return feeds.FoldTag(c.Title) == f }) {
			slugs = append(slugs, pl.sources[i].Slug)
		}
	}
	return slugs
}

// renamed tells where sources name the category otherwise: a rule over tags does not
// change that.
func (pl *planet) renamed(titles []string, title string) string {
	const most = 3
	s := ""
	for _, t := range titles {
		slugs := pl.sourcesFor(t)
		if len(slugs) == 0 {
			continue
		}
		names := strings.Join(slugs[:min(len(slugs), most)], ", ")
		if len(slugs) > most {
			names += fmt.Sprintf(" and %d more", len(slugs)-most)
		}
		s += fmt.Sprintf("  and in the categories of the source %s write %q, not %q\n", names, title, t)
	}
	return s
}

// likeAuthors are the suggestions for authors.
func (pl *planet) likeAuthors(stored map[string]int) []string {
	entries, settled := map[string]int{}, map[string]int{}
	for i, a := range pl.config.Authors {
		entries[a.Name], settled[a.Name] = 0, i
	}
	for name, n := range stored {
		entries[pl.rules.Authors.Name(name)] += n
	}
	var list []string
	for _, g := range alike(entries, settled) {
		a, place := config.Author{Name: g[0]}, "put this below"
		if i, ok := settled[g[0]]; ok {
			a, place = pl.config.Authors[i], "change it so below"
		}
		a.Aliases = slices.Concat(a.Aliases, g[1:])
		list = append(list, fmt.Sprintf("%s look like one author; to make them one, %s authors:\n%s", named(g, entries), place, a.Item()))
	}
	return list
}

// alike groups names that look like one, those with the most entries first. The first
// of a group is the name to keep: one that is settled by the configuration, else the
// one with the most entries. Two that are settled are two on purpose.
func alike(entries, settled map[string]int) [][]string {
	var groups [][]string
	sums := map[string]int{}
	for _, g := range feeds.NearNames(slices.Collect(maps.Keys(entries))) {
		slices.SortStableFunc(g, func(a, b string) int { return cmp.Compare(entries[b], entries[a]) })
		var keep, open []string
		for _, n := range g {
			if _, ok := settled[n]; ok {
				keep = append(keep, n)
			} else {
				open = append(open, n)
			}
		}
		if g = append(keep[:min(len(keep), 1)], open...); len(open) == 0 {
			continue
		}
		for _, n := range g {
			sums[g[0]] += entries[n]
		}
		groups = append(groups, g)
	}
	slices.SortStableFunc(groups, func(a, b []string) int { return cmp.Compare(sums[b[0]], sums[a[0]]) })
	return groups
}

// named is a list of names with their entries: "Events" (12) and "Event" (3).
func named(names []string, entries map[string]int) string {
	s := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			s += " and "
		default:
			s += ", "
		}
		s += fmt.Sprintf("%q (%d)", n, entries[n])
	}
	return s
}
