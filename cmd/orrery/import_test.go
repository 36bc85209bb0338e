package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orrery/config"
	"orrery/feeds"
	"orrery/feeds/feedstest"
)

// emptyPlanet is the path of a configuration without sources.
func emptyPlanet(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orrery.yaml")
	if err := writeNew(path, "planet: {title: P, url: \"https://p.example/\"}\n# Sources.\nsources: []\n# The end.\n"); err != nil {
		t.Fatal(err)
	}
	return path
}

func typed(args ...string) (code int, stdout, stderr string) {
	var out, trouble bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &trouble)
	return code, out.String(), trouble.String()
}

func TestEveryRealListIsImportedWhole(t *testing.T) {
	root, all := feedstest.Data(t, "opml"), emptyPlanet(t)
	lists := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".md" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		list, err := feeds.ReadOPML(data)
		if err != nil || len(list.Outlines) == 0 {
			if code, out, trouble := typed("-c", all, "import", path); code != exitFailed || out != "" || strings.Count(trouble, "\n") != 1 {
				t.Errorf("%s: %d %s%s", d.Name(), code, out, trouble)
			}
			return nil
		}
		lists++
		one := emptyPlanet(t)
		code, out, trouble := typed("-c", one, "import", path)
		skipped := strings.Count(out, "skipped ")
		if code != exitDone || skipped > 2+len(list.Twice) {
			t.Fatalf("%s: %d %s%s", d.Name(), code, out, trouble)
		}
		c, err := config.Load(one, nil)
		if err != nil || len(c.Sources) != len(list.Outlines)+len(list.Twice)-skipped {
			t.Errorf("%s: %v: %d sources, and %d lines say skipped", d.Name(), err, len(c.Sources), skipped)
		}
		if code, out, _ := typed("-c", one, "import", path); code != exitDone || !strings.Contains(out, ": 0 added to ") {
			t.Errorf("%s comes in twice: %d %s", d.Name(), code, out)
		}
		if code, out, trouble := typed("-c", all, "import", path); code != exitDone {
			t.Errorf("%s: %d %s%s", d.Name(), code, out, trouble)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(all)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(all, nil)
	if err != nil || len(c.Sources) < 1000 || lists < 20 {
		t.Errorf("%v: %d sources of %d lists", err, len(c.Sources), lists)
	}
	if !strings.Contains(string(text), "# Sources.\nsources:\n  - feed: ") || !strings.HasSuffix(string(text), "\n# The end.\n") {
		t.Errorf("a comment is gone")
	}
}

func TestListThatIsTooLongForAConfigurationIsToBeNamedThere(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, `<opml><body><outline text="%s">`, strings.Repeat("x", 500)) // each of its feeds says so
	for i := range 6000 {
		fmt.Fprintf(&b, `<outline xmlUrl="https://a.example/%d"/>`, i)
	}
	path, list := emptyPlanet(t), filepath.Join(t.TempDir(), "long.opml")
	if err := writeNew(list, b.String()+"</outline></body></opml>"); err != nil {
		t.Fatal(err)
	}
	code, out, trouble := typed("-c", path, "import", list)
	if code != exitFailed || out != "" || !strings.Contains(trouble, "- opml: "+list) || len(trouble) > 1000 {
		t.Errorf("%d %s%s", code, out, trouble)
	}
	if code, _, trouble := typed("-c", path, "import", "/dev/zero"); code != exitFailed || !strings.Contains(trouble, "larger than") {
		t.Errorf("%d %s", code, trouble)
	}
	if c, err := config.Load(path, nil); err != nil || len(c.Sources) != 0 {
		t.Errorf("something was added: %v", err)
	}
}
