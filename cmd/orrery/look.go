package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"orrery/aggregator/fetch"
	"orrery/config"
	"orrery/feeds"
	"orrery/feeds/site"
)

// maxLookFile is the size of the largest file that the look of the site is made of.
const maxLookFile = 1 << 20

func (pl *planet) site(log func(error)) (*site.Site, error) {
	o, problems := pl.look()
	if problems != nil {
		return nil, problems
	}
	o.Reader, o.Log = pl.store, log
	st, err := site.New(o)
	return st, pl.themeTrouble(err)
}

// describe is what the planet says of itself in every document.
func (pl *planet) describe() feeds.Planet {
	c := pl.config.Planet
	return feeds.Planet{
		Title: c.Title, URL: c.URL, Description: c.Description, Language: c.Language,
		Owner: feeds.Person{Name: c.Owner.Name, Email: c.Owner.Email, URL: c.Owner.URL}, Entries: pl.config.Entries,
	}
}

// look is how the site looks, with every file it is made of. The problems are of files
// that cannot be taken.
func (pl *planet) look() (o site.Options, problems config.Errors) {
	c := pl.config.Planet
	o = site.Options{
		Planet: pl.describe(), Hubs: pl.hubs(), Nodes: pl.xmppNodes(),
		Authors: pl.rules.Authors, Version: programVersion, NoIndex: c.NoIndex, StaleAfter: max(48*time.Hour, 2*pl.config.Fetch.MaxInterval),
		Faces: map[string][]byte{},
	}
	wrong := func(file string, line, column int, err error, hint string) {
		problems = append(problems, config.Problem{File: file, Line: line, Column: column, Message: err.Error(), Hint: hint})
	}
	if c.Theme != "" {
		o.Theme = os.DirFS(c.Theme)
		if message, hint := folderTrouble(c.Theme); message != "" {
			wrong(pl.config.Path, 1, 1, errors.New("planet.theme: "+message), hint)
			o.Theme = nil
		}
	}
	if c.About != "" {
		about, err := aboutPage(c.About, c.URL)
		if err != nil {
			wrong(pl.config.Path, 1, 1, fmt.Errorf("planet.about: %w", err), "correct the path, or the text")
		}
		o.About = about
	}
	for i := range pl.config.Sources {
		x := &pl.config.Sources[i]
		if x.Avatar == "" {
			continue
		}
		face, err := readFile(x.Avatar)
		if err == nil {
			err = site.CheckFace(face)
		}
		if err != nil {
			wrong(pl.config.Path, x.Line, x.Column, fmt.Errorf("the avatar %s cannot be taken: %w", x.Avatar, err), "name another picture, or take the line out")
			continue
		}
		o.Faces[x.Slug] = face
	}
	return o, problems
}

// themeTrouble is a mistake in a theme with the file it is in.
func (pl *planet) themeTrouble(err error) error {
	var wrong *site.ThemeError
	if !errors.As(err, &wrong) {
		return err
	}
	return config.Errors{{
		File: filepath.Join(pl.config.Planet.Theme, filepath.FromSlash(wrong.File)), Line: max(wrong.Line, 1), Column: max(wrong.Column, 1), Message: wrong.Message,
		Hint: "docs/themes.md says what a template is given",
	}}
}

// checkLook finds what keeps the site from being made.
func (pl *planet) checkLook() error {
	o, problems := pl.look()
	err := pl.themeTrouble(site.Try(o))
	var more config.Errors
	if errors.As(err, &more) {
		problems, err = append(problems, more...), nil
	}
	if problems != nil {
		return problems
	}
	return err
}

// aboutPage is the text of a Markdown file as HTML that can stand in a page.
func aboutPage(file, base string) (string, error) {
	data, err := readFile(file)
	if err != nil {
		return "", err
	}
	e, err := (&fetch.Folder{}).ReadPost(filepath.Base(file), data, feeds.Source{URL: "file:///about", Site: base, Permalink: "/about/"})
	if err != nil {
		return "", err
	}
	f := &feeds.Feed{Entries: []feeds.Entry{e}}
	feeds.Normalize(f, base)
	return f.Entries[0].Content, nil
}

// readFile reads a file that is not too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no such file")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLookFile+1))
	if len(data) > maxLookFile {
		return nil, fmt.Errorf("it has more than %d KiB", maxLookFile>>10)
	}
	return data, err
}
