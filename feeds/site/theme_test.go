package site

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func TestThemeTakesThePlaceOfOurFilesOneByOne(t *testing.T) {
	theme := fstest.MapFS{
		"templates/about.html":   {Data: []byte(`<p class="ours">{{.AboutText}}</p><img src="{{index .Names.Files "logo.png"}}" alt="">`)},
		"static/planet.css":      {Data: []byte("p { color: red }")},
		"static/logo.png":        {Data: []byte("png")},
		"templates/.about.swp":   {Data: []byte("an editor's")},
		"unrelated/README":       {Data: []byte("not looked at")},
		"templates/parts/x.html": {Data: []byte("{{nor this}}")},
	}
	s := newSite(t, newFake(), func(o *Options) { o.Theme, o.About = theme, "<p>We are.</p>" })
	page := body(t, get(s, "/about/"))
	if !strings.Contains(page, `<p class="ours"><p>We are.</p></p><img src="/static/logo.`) {
		t.Errorf("the theme's template is not taken: %s", page)
	}
	if !strings.Contains(page, `<nav aria-label="Planet">`) {
		t.Error("the frame, which the theme does not have, is not ours")
	}
	if css := body(t, get(s, s.names.Style)); css != "p { color: red }" {
		t.Errorf("the style is %q", css)
	}
}

func TestMistakeInAThemeHasItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"no end":           {"why.html", "a\nb {{if .Why}}", "templates/why.html:2: unexpected EOF"},
		"no such field":    {"titles.html", "x\n<b>{{.Titles}}</b>", `templates/titles.html:2:6: executing "titles.html" at <.Titles>: can't evaluate field Titles`},
		"of a post":        {"post.html", "{{.Nobody}}", `templates/post.html:1:3: executing "post.html" at <.Nobody>`},
		"HTML that is cut": {"about.html", `<a href="{{.Home}}`, `templates/about.html: ends in a non-text context`},
		"cut in a post":    {"post.html", `<a href="{{.Link}}`, `templates/post.html: ends in a non-text context`},
		"a name of none":   {"nav.html", "", "templates/nav.html: no template has this name; there are about.html, "},
	} {
		_, err := New(Options{Planet: testPlanet, Reader: newFake(), Theme: fstest.MapFS{"templates/" + c.file: {Data: []byte(c.text)}}})
		var wrong *ThemeError
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s…", name, err, c.want)
		}
	}
}

func TestThemeMayHaveAnyOneTemplateOnly(t *testing.T) {
	files, err := names(nil, templates, "templates", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, want := "<p>theirs</p>", true
		if name == "page.html" {
			text = "{{body .}}"
		}
		err := Try(Options{Planet: testPlanet, Theme: fstest.MapFS{"templates/" + name: {Data: []byte(text)}}})
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
		err = Try(Options{Planet: testPlanet, Theme: fstest.MapFS{"templates/" + name: {Data: []byte("{{.NoSuchField}}")}}})
		if name != "parts.html" && err == nil { // which nothing shows
			t.Errorf("%s: a field that is not there is not noticed", name)
		}
	}
}

func TestThemeOfTheManualWorks(t *testing.T) {
	s := newSite(t, newFake(), func(o *Options) { o.Theme = os.DirFS("../../docs/themes/terminal") })
	for _, path := range []string{"/", "/entry/long/", "/status/"} {
		page := body(t, get(s, path))
		if w := wellFormed(page); len(w) > 0 {
			t.Errorf("%s: %v", path, w)
		}
	}
	if page := body(t, get(s, "/nowhere")); !strings.Contains(page, "no such file or directory") {
		t.Errorf("its template is not taken: %s", page)
	}
}

// The manual names every field that a page has, so that a new one is not forgotten there.
func TestManualOfThemesNamesEveryField(t *testing.T) {
	manual, err := os.ReadFile("../../docs/themes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(fieldsOf[page](), fieldsOf[post]()...) {
		if !strings.Contains(string(manual), "`."+name) {
			t.Errorf("docs/themes.md does not name .%s", name)
		}
	}
}

func fieldsOf[T any]() (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		names = append(names, f.Name)
	}
	return names
}
