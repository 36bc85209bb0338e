package site

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// CheckLinks looks at every link of the pages in a folder that Build wrote, and says which
// lead nowhere within it: a sentence each, sorted. planet is the address that was built
// for; links to elsewhere are not followed. The search leads to the page in its folder.
func CheckLinks(dir, planet string) ([]string, error) {
	base, err := url.Parse(planet)
	if err != nil {
		return nil, fmt.Errorf("read the planet's address: %w", err)
	}
	c := &linkChecker{tree: os.DirFS(dir), base: base, known: map[string]bool{}}
	err = fs.WalkDir(c.tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".html" {
			return err
		}
		page, err := fs.ReadFile(c.tree, name)
		if err != nil {
			return err
		}
		return c.page(name, page)
	})
	if err != nil {
		return nil, fmt.Errorf("check the links in %s: %w", dir, err)
	}
	slices.Sort(c.broken)
	return c.broken, nil
}

type linkChecker struct {
	tree   fs.FS
	base   *url.URL
	known  map[string]bool // whether there is such a file
	broken []string
}

func (c *linkChecker) page(name string, page []byte) error {
	at, err := url.Parse(c.base.String() + (&url.URL{Path: strings.TrimSuffix(name, "index.html")}).EscapedPath())
	if err != nil {
		return err
	}
	var links []string
	ids := map[string]bool{"": true, "top": true} // HTML §7.4.6.3
	z := html.NewTokenizer(bytes.NewReader(page))
	for z.Next() != html.ErrorToken {
		for _, a := range z.Token().Attr {
			switch a.Key {
			case "href", "src", "action":
				links = append(links, a.Val)
			case "id":
				ids[a.Val] = true
			}
		}
	}
	for _, link := range links {
		if fragment, ok := strings.CutPrefix(link, "#"); ok {
			if !ids[fragment] {
				c.broken = append(c.broken, fmt.Sprintf("%s: nothing on the page is called %s", name, link))
			}
			continue
		}
		if to, err := at.Parse(link); err == nil && to.Scheme == c.base.Scheme && to.Host == c.base.Host && !c.exists(to.Path) {
			c.broken = append(c.broken, fmt.Sprintf("%s: %s leads nowhere", name, link))
		}
	}
	return nil
}

// exists says that a web server would find something at the path.
func (c *linkChecker) exists(p string) bool {
	there, ok := c.known[p]
	if ok {
		return there
	}
	defer func() { c.known[p] = there }()
	file, below := strings.CutPrefix(p, c.base.Path)
	if !below {
		there = true // of somebody else on the same host
		return there
	}
	if file == "" || strings.HasSuffix(file, "/") {
		file += "index.html"
	}
	info, err := fs.Stat(c.tree, file)
	if err == nil && info.IsDir() { // which a web server leads on from
		_, err = fs.Stat(c.tree, path.Join(file, "index.html"))
	}
	there = err == nil
	return there
}
