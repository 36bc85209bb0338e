package site

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// loadMeta makes the documents that programs look for beside the pages.
func (s *Site) loadMeta() error {
	robots := "User-agent: *\nDisallow: " + s.base + "search\n\nSitemap: " + s.planet.URL + sitemapFile + "\n"
	if s.noIndex {
		// Who may not look at a page does not see that it is not to be listed.
		robots = "User-agent: *\nDisallow: " + s.base + "search\n"
	}
	robots = robotsMark + robots
	manifest, err := s.manifest(s.base)
	if err != nil {
		return err
	}
	s.assets[robotsFile] = newDocument([]byte(robots), facts{typ: "text/plain; charset=utf-8", control: s.max, policy: feedPolicy})
	s.assets[manifestFile] = newDocument(manifest, facts{typ: "application/manifest+json", control: s.max, policy: feedPolicy})
	s.names.Manifest = s.base + manifestFile
	return nil
}

// manifest is the web app manifest of a planet whose files lie at base.
func (s *Site) manifest(base string) ([]byte, error) {
	type icon struct {
		Src   string `json:"src"`
		Sizes string `json:"sizes"`
		Type  string `json:"type"`
	}
	manifest, err := json.MarshalIndent(struct {
		Name    string `json:"name"`
		About   string `json:"description,omitempty"`
		Lang    string `json:"lang,omitempty"`
		Start   string `json:"start_url"`
		Scope   string `json:"scope"`
		Display string `json:"display"`
		Icons   []icon `json:"icons"`
	}{s.planet.Title, s.planet.Description, s.planet.Language, base, base, "browser", []icon{{base + strings.TrimPrefix(s.names.Icon, s.base), "any", "image/svg+xml"}}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return append(manifest, '\n'), nil
}

// robotsFile is what people write themselves, too: one without the mark is not ours.
const (
	robotsFile = "robots.txt"
	robotsMark = "# Written by Orrery. One of your own in its place stays.\n"
)

const manifestFile = "manifest.webmanifest"

// sitemap is the list of the pages that are our own: those of entries are copies of what
// is elsewhere (sitemaps.org). maxSitemap is how many it may hold.
func (s *Site) sitemap(m material) ([]byte, error) {
	const maxSitemap = 50_000
	type address struct {
		Loc string `xml:"loc"`
	}
	list := struct {
		XMLName xml.Name  `xml:"urlset"`
		Space   string    `xml:"xmlns,attr"`
		URLs    []address `xml:"url"`
	}{Space: "http://www.sitemaps.org/schemas/sitemap/0.9"}
	for _, rt := range m.routes[:min(len(m.routes), maxSitemap)] {
		list.URLs = append(list.URLs, address{s.planet.URL + rt.escaped()})
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", " ")
	err := e.Encode(list)
	b.WriteByte('\n')
	return b.Bytes(), err
}

// pagesOf are the pages of what the planet consists of, in a fixed order, for a sitemap.
func (s *Site) pagesOf(d *directory) []route {
	list := slices.DeleteFunc(s.routes(d), func(rt route) bool { return rt.kind == atOPML || rt.kind == atSitemap || rt.kind == atWhy })
	slices.SortFunc(list, func(a, b route) int { return strings.Compare(a.String(), b.String()) })
	return list
}
