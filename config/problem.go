package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a configuration file.
type Problem struct {
	File         string // as it was named to Load
	Line, Column int    // from 1; a column counts characters, not bytes
	Message      string // what is wrong
	Hint         string // what to do; may be empty
}

// String is file:line:column: message (hint), the form editors can jump to.
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Errors are all mistakes in a file, at least one, sorted by line and column.
type Errors []Problem

// Error is one problem a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// spot is a place in the file. The zero spot is its beginning.
type spot struct{ line, column int }

func (l *loader) report(s spot, hint, format string, args ...any) {
	l.problems = append(l.problems, Problem{
		File: l.file, Line: max(s.line, 1), Column: max(s.column, 1),
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// nearest is the hint that names the word of known that was probably meant;
// without one it lists them all.
func nearest(word string, known []string) string {
	if n := closest(word, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	if len(known) == 0 || len(known) > 20 {
		return ""
	}
	return "known here: " + strings.Join(known, ", ")
}

func closest(word string, known []string) string {
	const longest = 100 // nobody mistypes a longer word, and the comparison is quadratic
	if len(word) > longest {
		return ""
	}
	best, distance := "", 1<<30
	w := fold(word)
	for _, k := range known {
		f := fold(k)
		if d := edits(w, f); d < distance && d <= min(2, (len(f)+1)/3) {
			best, distance = k, d
		}
	}
	return best
}

// edits is the number of letters to insert, remove, replace or swap with their
// neighbour to make b of a.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			n := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				n = min(n, rows[i-2][j-2]+1)
			}
			rows[i][j] = n
		}
	}
	return rows[len(x)][len(y)]
}
