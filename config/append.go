package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Edit is a change of a configuration file that has been tried but not made.
type Edit struct {
	// Config is what the file will say.
	Config *Config
	// Added are the sources that come in, as Config has them.
	Added []Source
	// Lines are what comes in, as it will stand in the file, each line with its end.
	Lines string
	// Line is where they begin, from 1.
	Line int

	path     string
	old, new []byte
}

// AppendError says why a file is not changed by us, and what to put into it by hand.
type AppendError struct {
	Path, Reason, Lines string
}

// Error is a sentence, and the lines below it unless they are many.
func (e *AppendError) Error() string {
	const most = 40 // lines that anybody would copy by hand
	s := fmt.Sprintf("%s was not changed: %s", e.Path, e.Reason)
	if strings.Count(e.Lines, "\n") > most {
		return s
	}
	return s + ". To add it by hand, put this below sources:\n" + strings.TrimRight(e.Lines, "\n")
}

// Append adds sources at the end of the list of the file at path and keeps every
// other byte of it. Of a source it writes everything but Keep and Drop; a relative
// folder or list starts at the folder of the file, as there. getenv is Load's.
//
// The result is read again before anybody gets it: it says what the file said and
// the new sources, nothing else, or the error is an *AppendError. A file that is
// wrong already is an Errors.
func Append(path string, sources []Source, getenv func(string) string) (*Edit, error) {
	if i, err := os.Stat(path); err == nil && !i.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		if _, reason := Load(path, getenv); reason != nil { // it has the better sentence
			err = reason
		}
		return nil, err
	}
	before, err := Parse(path, old, getenv)
	if err != nil {
		return nil, err
	}
	return appendText(before, old, sources, getenv)
}

// appendText is Append for the text of a file that says before.
func appendText(before *Config, old []byte, sources []Source, getenv func(string) string) (*Edit, error) {
	refuse := func(reason string) (*Edit, error) {
		return nil, &AppendError{Path: before.Path, Reason: reason, Lines: blockItems(sources, "  ", " ", "\n")}
	}
	in, reason := insert(old, sources)
	if reason != "" {
		return refuse(reason)
	}
	after, err := Parse(before.Path, in.text, getenv)
	var problems Errors
	if errors.As(err, &problems) {
		hint := ""
		if problems[0].Hint != "" {
			hint = " (" + problems[0].Hint + ")"
		}
		return refuse("with the new source it would be wrong: " + problems[0].Message + hint)
	}
	if err != nil {
		return nil, err
	}
	if reason := otherwise(before, after, sources); reason != "" {
		return refuse(reason)
	}
	return &Edit{
		Config: after, Added: after.Sources[len(before.Sources):], Lines: in.lines, Line: in.line,
		path: before.Path, old: old, new: in.text,
	}, nil
}

// otherwise says what after has otherwise than before and the sources; "": nothing.
func otherwise(before, after *Config, sources []Source) string {
	n := len(before.Sources)
	if len(after.Sources) != n+len(sources) {
		return "its list of sources is written in a way that no line can be added to"
	}
	for i := range before.Sources {
		was, is := before.Sources[i], after.Sources[i]
		was.Line, was.Column, is.Line, is.Column = 0, 0, 0, 0
		if was.Slug != is.Slug {
			return fmt.Sprintf("the source %q in line %d would lose its slug to the new one; choose another for that", was.Slug, before.Sources[i].Line)
		}
		if !reflect.DeepEqual(was, is) {
			return "the new line would change the source above it"
		}
	}
	for i, want := range sources {
		if !says(after.Sources[n+i], want, before.Path) {
			return "the new source would not be read as it was meant"
		}
	}
	was, is := *before, *after
	was.Sources, is.Sources = nil, nil
	if !reflect.DeepEqual(was, is) {
		return "the new line would change what else it says"
	}
	return ""
}

// says compares what was read from the file at path with what was meant.
func says(got, want Source, path string) bool {
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return false
	}
	l := &loader{folder: folder}
	for _, p := range []*string{&want.Markdown, &want.OPML, &want.Avatar} {
		if *p != "" {
			*p = l.path(*p)
		}
	}
	if want.Slug == "" {
		want.Slug = got.Slug
	}
	if len(want.Categories) == 0 {
		want.Categories = nil
	}
	want.Line, want.Column = got.Line, got.Column
	return reflect.DeepEqual(got, want)
}

// Save makes the change: the file is replaced in one step, with the permissions and
// the owner it had; of a link, what it leads to. A file that somebody changed since
// Append is left alone.
func (e *Edit) Save() error {
	path, err := filepath.EvalSymlinks(e.path)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write configuration: the file is replaced by a new one, and its folder does not let us: %w", err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(e.new)
	if err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	keepOwner(f.Name(), info)
	now, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if !bytes.Equal(now, e.old) {
		return fmt.Errorf("%s was changed by somebody else in this moment and is left alone; try again", e.path)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
