package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// errNotFound says that the planet has no such address.
var errNotFound = errors.New("no such address")

// errGone says that it had one: what was there was taken back or taken off.
var errGone = fmt.Errorf("%w any more", errNotFound)

// movedError says that an entry was found to be the same as the one with this ID.
type movedError string

func (e movedError) Error() string { return "now at " + e.entry().String() }
func (e movedError) Unwrap() error { return errNotFound }
func (e movedError) entry() route  { return route{kind: atEntry, name: string(e)} }

// fate is why there is no entry with the ID.
func (s *Site) fate(ctx context.Context, id string) error {
	gone, to, err := s.reader.Fate(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("ask what became of it: %w", err)
	case gone:
		return errGone
	case validID(to) && to != id:
		return movedError(to)
	}
	return errNotFound
}

// movedPage leads to another entry where nothing but files can answer.
func (s *Site) movedPage(to route) ([]byte, error) {
	p := s.frame(to, s.plainView(to))
	p.Template, p.Heading, p.Refresh = "moved", "This post is on another page", s.href(to)
	p.Look = *s.look.Load()
	p.Title = p.Heading + " – " + s.planet.Title
	var b bytes.Buffer
	err := s.pages.ExecuteTemplate(&b, "page.html", p)
	return b.Bytes(), err
}
