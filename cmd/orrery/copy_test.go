package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/storage"
)

// copied is what orrery says when it copies.
func copied(t *testing.T, from, to string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints strings.Builder
	code = run(t.Context(), []string{"copy", from, to}, strings.NewReader(""), &out, &complaints)
	return code, out.String(), complaints.String()
}

func TestCopySaysWhatItFoundThere(t *testing.T) {
	dir := t.TempDir()
	from, to := "sqlite:"+filepath.Join(dir, "from.db"), "sqlite:"+filepath.Join(dir, "to.db")
	db, err := storage.Open(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sync := func(slugs ...string) {
		var list []feeds.Source
		for _, s := range slugs {
			list = append(list, feeds.Source{Slug: s, URL: "https://" + s + ".example/"})
		}
		if err := db.Sync(t.Context(), time.Now(), list, &feeds.Rules{}); err != nil {
			t.Fatal(err)
		}
	}
	breakOff := func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if _, err := storage.Copy(ctx, from, to, func(int, int) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	sync("a", "b")
	breakOff()
	sync("a", "b", "c")
	breakOff()
	sync("a", "b", "c", "d")
	if code, _, stderr := copied(t, from, to); code != exitDone || !strings.Contains(stderr, "thrown away, since it was not what FROM holds now") {
		t.Errorf("exit code %d, on stderr %q", code, stderr)
	}
	to += "2"
	breakOff()
	code, stdout, stderr := copied(t, from, to)
	if code != exitDone || stderr != "orrery: 1 row was there from a copy that was broken off\n" || !strings.HasSuffix(stdout, "; counts and hashes are the same\n") {
		t.Errorf("exit code %d, on stdout %q, on stderr %q", code, stdout, stderr)
	}
	if _, err := storage.Open(t.Context(), to); err != nil {
		t.Error(err)
	}
}

func TestLargeNumbersAreGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 34812: "34,812", 999999: "999,999", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
