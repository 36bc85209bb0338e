package config

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// environment is what the test files may use.
func environment(name string) string {
	return map[string]string{"PASSWORD": "pass$$word", "WORD": "sixty", "NUMBER": "12", "YES": "true", "HOOK_SECRET": "h", "XMPP_SECRET": "x"}[name]
}

func loadFile(t *testing.T, name string) *Config {
	t.Helper()
	c, err := Load(filepath.Join("testdata", name), environment)
	if err != nil {
		t.Fatalf("%s does not load:\n%v", name, err)
	}
	return c
}

// parse reads text as if it stood in /srv/planet/orrery.yaml.
func parse(text string) (*Config, error) {
	return Parse("/srv/planet/orrery.yaml", []byte(text), environment)
}

const minimal = "planet: {title: Garden, url: \"https://garden.example/\"}\n"

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := parse(text)
	if err != nil {
		t.Fatalf("the configuration does not load:\n%v\n%s", err, text)
	}
	return c
}

func TestMinimalFileHasAllDefaults(t *testing.T) {
	c := loadFile(t, "minimal.yaml")
	folder, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Path:     filepath.Join("testdata", "minimal.yaml"),
		Planet:   Planet{Title: "Garden", URL: "https://garden.example/", Language: "en", Timezone: time.UTC},
		Storage:  "sqlite:" + filepath.Join(folder, "orrery.db"),
		Listen:   "127.0.0.1:8080",
		Admin:    "127.0.0.1:8081",
		Schedule: "@every 5m",
		Entries:  60,
		Fetch: Fetch{
			Concurrency: 32, PerHost: 1, PausePerHost: time.Second, Timeout: 30 * time.Second, MaxBody: 5242880,
			MinInterval: 30 * time.Minute, MaxInterval: 24 * time.Hour, Push: true, Contact: "https://garden.example/",
		},
		TagsAsCategories: true,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestFullFileIsReadToTheLastKey(t *testing.T) {
	c := loadFile(t, "full.yaml")
	folder, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	recife, err := time.LoadLocation("America/Recife")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Path: filepath.Join("testdata", "full.yaml"),
		Planet: Planet{
			Title: "Garden of Stars", URL: "https://garden.example/planet/", Description: "Everything that grows",
			Language: "pt-BR", Timezone: recife,
			Owner: Owner{Name: "The Gardener", Email: "gardener@garden.example", URL: "https://garden.example/me"},
			About: filepath.Join(folder, "about.md"), Theme: "/srv/theme", NoIndex: true, Hub: "self",
		},
		Storage: "sqlite:" + filepath.Join(folder, "data", "garden.db"),
		Listen:  ":9090", Admin: "", Schedule: "*/10 * * * *", Entries: 25,
		Fetch: Fetch{
			Concurrency: 8, PerHost: 2, PausePerHost: 500 * time.Millisecond, Timeout: 90 * time.Second, MaxBody: 800_000,
			MinInterval: 0, MaxInterval: 36 * time.Hour, Contact: "gardener@garden.example",
			Allow: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9000"), netip.MustParseAddrPort("[::1]:9001")},
		},
		Sources: []Source{
			{
				Markdown: filepath.Join(folder, "posts", "blog"), Title: "Beds & Borders", Site: "https://beds.example/",
				Permalink: "/:year/:month/:title/", Slug: "beds-borders", Language: "de", Avatar: filepath.Join(folder, "faces", "beds.png"), Line: 31, Column: 5,
			},
			{
				Feed: "https://user:pass$$word@roses.example/feed.xml?a=$b", Slug: "roses", Categories: []string{"Flowers", "2001"},
				Keep: Match{Tags: []string{"Rose"}, Words: []string{"climbing rose"}},
				Drop: Match{Authors: []string{"Aphid"}, Sources: []string{"roses"}}, Every: 2 * time.Hour, Line: 37, Column: 5,
			},
			{Feed: "https://www.tulips.example/blog/atom.xml", Slug: "tulips-example-blog-atom-xml", Line: 43, Column: 5},
			{Markdown: "/srv/beds-borders", Title: "Beds, Borders", Slug: "beds-borders-2", Retain: Retain{Days: 365, Entries: 40}, Line: 44, Column: 5},
		},
		Categories: []Category{
			{Title: "C++", Slug: "c-plus-plus", Match: Match{Tags: []string{"C++"}, Sources: []string{"beds-borders-2"}}},
			{Title: "Цветы", Slug: "цветы"},
		},
		Publish: []Publish{
			{Name: "chat.example", Webhook: "https://chat.example/hook?token=pass$$word", Secret: "s", Categories: []string{"c-plus-plus"}, Timeout: 30 * time.Second},
			{Name: "room", Command: []string{"bin/tell", "-v"}, Timeout: time.Minute},
		},
		XMPP: XMPP{
			Component: "planet.garden.example", Secret: "pass$$word", Server: "[::1]:5347", PubSub: "pubsub.garden.example",
			Nodes: []Node{{Name: "all"}, {Name: "cpp", Category: "c-plus-plus"}}, Keep: 50,
		},
		Authors: []Author{{Name: "Anna Lee", Aliases: []string{"ann", "Lee, Anna"}}, {Name: "2001"}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestExampleHasTheDefaults(t *testing.T) {
	c := mustParse(t, Example)
	want := defaults(c.Path)
	want.Planet.Title, want.Planet.URL = "My Planet", "https://planet.example.org/"
	want.Fetch.Contact = want.Planet.URL
	want.Fetch.Allow = []netip.AddrPort{}
	want.Storage = "sqlite:/srv/planet/orrery.db"
	if len(c.Sources) != 1 || c.Sources[0].Markdown != "/srv/planet/content/posts" || c.Sources[0].Slug != "my-blog" {
		t.Errorf("the example's sources are %+v", c.Sources)
	}
	want.Sources = c.Sources
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

// A line of YAML that is commented out has no space or two and more after the #.
var commentedOut = regexp.MustCompile(`(?m)^#(  +\S|[^ #\n])`)

func TestExampleLoadsWithEverythingTakenIn(t *testing.T) {
	c := mustParse(t, commentedOut.ReplaceAllString(Example, "$1"))
	if len(c.Sources) != 3 || len(c.Categories) != 1 || c.Planet.Owner.Name == "" {
		t.Fatalf("not everything was taken in: %d sources, %d categories, owner %+v", len(c.Sources), len(c.Categories), c.Planet.Owner)
	}
	if got := c.Sources[1]; got.Feed == "" || got.Every != 2*time.Hour || len(got.Keep.Tags) != 1 || len(got.Drop.Authors) != 1 || got.Retain != (Retain{365, 100}) {
		t.Errorf("the example's feed is %+v", got)
	}
	if got := c.Categories[0].Match; len(got.Tags)+len(got.Words)+len(got.Sources)+len(got.Authors) != 5 {
		t.Errorf("the example's category matches %+v", got)
	}
	if len(c.Authors) != 1 || len(c.Authors[0].Aliases) != 3 {
		t.Errorf("the example's authors are %+v", c.Authors)
	}
}

func TestExampleNamesEveryKey(t *testing.T) {
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		if typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ.PkgPath() != reflect.TypeFor[Config]().PkgPath() {
			return
		}
		for i, key := range keys(typ) {
			if key == "" {
				t.Errorf("%s.%s has no yaml tag", typ, typ.Field(i).Name)
			}
			if key == "-" {
				continue
			}
			if !regexp.MustCompile(`(?m)^#?\s*(- )?([a-z]+: \{.*)?\b` + key + `:`).MatchString(Example) {
				t.Errorf("the example has no %s", join(path, key))
			}
			walk(typ.Field(i).Type, join(path, key))
		}
	}
	walk(reflect.TypeFor[Config](), "")
}

func TestMissingFileSaysHowToGetOne(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "orrery.yaml"), environment)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	if err == nil || !strings.Contains(err.Error(), "orrery init") || !strings.Contains(err.Error(), "orrery.yaml") {
		t.Errorf("the error does not help: %v", err)
	}
}

func TestFolderInsteadOfAFileIsAnError(t *testing.T) {
	c, err := Load(t.TempDir(), environment)
	if err == nil || c != nil {
		t.Fatalf("got %v, %v", c, err)
	}
	if problems, ok := errors.AsType[Errors](err); ok {
		t.Errorf("a file that cannot be read has no problems in it: %v", problems)
	}
}

func TestPathsStartAtTheFolderOfTheFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "orrery.yaml")
	text := minimal + "sources: [{markdown: ../posts}, {opml: lists/all.opml}]\nstorage: sqlite:///var/garden.db\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(name, environment)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(dir), "posts"); c.Sources[0].Markdown != want {
		t.Errorf("markdown is %s, want %s", c.Sources[0].Markdown, want)
	}
	if want := filepath.Join(dir, "lists", "all.opml"); c.Sources[1].OPML != want {
		t.Errorf("opml is %s, want %s", c.Sources[1].OPML, want)
	}
	if c.Storage != "sqlite:/var/garden.db" {
		t.Errorf("storage is %s", c.Storage)
	}
}
