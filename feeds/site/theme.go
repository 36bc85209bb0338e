package site

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed templates
var templates embed.FS

//go:embed static
var static embed.FS

// ThemeError is a mistake in a file of a theme.
type ThemeError struct {
	File         string // below the theme
	Line, Column int    // from 1; 0: not known
	Message      string
}

func (e *ThemeError) Error() string {
	where := e.File
	for _, n := range []int{e.Line, e.Column} {
		if n > 0 {
			where += ":" + strconv.Itoa(n)
		}
	}
	return where + ": " + e.Message
}

// overlaid is a file of ours, or the theme's in its place.
func overlaid(theme, ours fs.FS, name string) ([]byte, error) {
	if theme != nil {
		if data, err := fs.ReadFile(theme, name); !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return fs.ReadFile(ours, name)
}

// names are those of the files of ours in a folder. A theme may have others only where
// more says so: a template that nothing names is a mistake in writing.
func names(theme, ours fs.FS, folder string, more bool) ([]string, error) {
	list, err := fs.ReadDir(ours, folder)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, f := range list {
		all = append(all, f.Name())
	}
	if theme == nil {
		return all, nil
	}
	list, err = fs.ReadDir(theme, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	for _, f := range list {
		switch {
		case slices.Contains(all, f.Name()) || f.IsDir() || strings.HasPrefix(f.Name(), "."):
		case more:
			all = append(all, f.Name())
		default:
			return nil, &ThemeError{File: path.Join(folder, f.Name()), Message: "no template has this name; there are " + strings.Join(all, ", ")}
		}
	}
	return all, err
}

// loadPages parses the templates and makes the pages for where there is nothing.
func (s *Site) loadPages(theme fs.FS) (err error) {
	if s.pages, err = s.parse(theme); err != nil {
		return err
	}
	if err = s.loadAbsences(*s.look.Load()); err == nil && theme != nil {
		err = s.rehearse()
	}
	return themeError(err)
}

func (s *Site) parse(theme fs.FS) (*template.Template, error) {
	files, err := names(theme, templates, "templates", false)
	if err != nil {
		return nil, err
	}
	t := template.New("").Funcs(template.FuncMap{"body": s.body, "plural": plural})
	// Ours first, so that what a theme's file does not define is as we define it.
	for _, from := range []fs.FS{templates, theme} {
		for _, name := range files {
			if from == nil {
				break
			}
			text, err := fs.ReadFile(from, "templates/"+name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if _, err := t.New(name).Parse(string(text)); err != nil {
				return nil, themeError(err)
			}
		}
	}
	return t, nil
}

// templateErrors find the place of a mistake in what the template packages say of it, the
// innermost: of HTML that is cut they name the file alone, behind the place that led to it.
var templateErrors = regexp.MustCompile(`(?s)^.*template: ?([a-z]+\.html)(?::(\d+)(?::(\d+))?)?: (.*)$`)

// themeError says where in a theme the mistake is.
func themeError(err error) error {
	if err == nil {
		return nil
	}
	m := templateErrors.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	e := &ThemeError{File: "templates/" + m[1], Message: m[4]}
	e.Line, _ = strconv.Atoi(m[2]) // else 0
	if e.Column, _ = strconv.Atoi(m[3]); e.Column > 0 {
		e.Column++ // the packages count from 0
	}
	return e
}

// rehearse renders every kind of page with a planet of nothing but samples: a field that
// does not exist is found now, not when somebody asks for the page.
func (s *Site) rehearse() (err error) {
	heard := s.log
	defer func() { s.log = heard }()
	s.log = func(left error) { err = cmp.Or(err, left) } // a post that cannot be rendered is left out elsewhere
	for _, x := range samples() {
		if failed := s.writePage(io.Discard, x.route, x.material); failed != nil {
			return fmt.Errorf("rehearse %s: %w", x.route, failed)
		}
	}
	if _, failed := s.unsearchable(samples()[0].material.directory); failed != nil {
		return failed
	}
	if _, failed := s.movedPage(route{kind: atEntry, name: "sample"}); failed != nil {
		return failed
	}
	return err
}
