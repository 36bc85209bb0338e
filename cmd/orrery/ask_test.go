package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestQuestionsAreAskedUntilThereIsAnAnswer(t *testing.T) {
	for typed, want := range map[string]int{"2\n": 2, "\n": 1, "0\n4\nx\n 3 \n": 3, "": 0, "9\n": 0, "2": 0} {
		var said bytes.Buffer
		a := &asker{in: bufio.NewReader(strings.NewReader(typed)), out: &said}
		n, err := a.number(t.Context(), "Which?", 3)
		if want > 0 && (err != nil || n != want) || want == 0 && (err == nil || !strings.Contains(err.Error(), "nothing was changed")) {
			t.Errorf("%q is %d, %v", typed, n, err)
		}
		if asked := strings.Count(said.String(), "Which? [1-3, Enter is 1] "); asked < 1 || want > 0 && asked != strings.Count(typed, "\n") {
			t.Errorf("%q: said %q", typed, said.String())
		}
	}
	for typed, want := range map[string]bool{"\n": true, "y\n": true, "YES\n": true, "n\n": false, "what?\n": false} {
		a := &asker{in: bufio.NewReader(strings.NewReader(typed)), out: io.Discard}
		if ok, err := a.yes(t.Context(), "Do it?"); ok != want || err != nil {
			t.Errorf("%q is %v, %v", typed, ok, err)
		}
	}
}

func TestQuestionEndsWithTheProgram(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close() // ends the reading
	ctx, cancel := context.WithCancel(t.Context())
	a := &asker{in: bufio.NewReader(r), out: io.Discard}
	cancel()
	if _, err := a.yes(ctx, "Do it?"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
