package feeds

import "strings"

// space is a namespace that means something to us.
type space byte

const (
	spaceOther    space = iota
	spaceRSS            // no namespace at all, and the ones that RSS was once put into
	spaceAtom           // Atom 1.0 and 0.3
	spaceRDF            //
	spaceContent        // content:encoded
	spaceDC             // dc and dcterms
	spaceMedia          // Media RSS
	spaceITunes         //
	spaceSY             // RSS 1.0's syndication module
	spaceHistory        // fh, RFC 5005
	spaceBurner         // feedburner, and pheedo, which did the same
	spaceComments       // wfw, the feed of a post's comments
	spaceLicense        // Creative Commons
	spaceXHTML          //
	spaceXML            // xml:lang, xml:base
)

// spaces are the namespaces by their names, in lower case and without a slash at
// the end, as people write them.
var spaces = map[string]space{
	"":                                      spaceRSS,
	"http://purl.org/rss/1.0":               spaceRSS,
	"http://purl.org/net/rss1.1#":           spaceRSS,
	"http://my.netscape.com/rdf/simple/0.9": spaceRSS,
	"http://my.netscape.com/publish/formats/rss-0.91":                spaceRSS,
	"http://channel.netscape.com/rdf/simple/0.9":                     spaceRSS,
	"http://backend.userland.com/rss":                                spaceRSS,
	"http://backend.userland.com/rss2":                               spaceRSS,
	"http://backend.userland.com/rss091":                             spaceRSS,
	"http://backend.userland.com/rss092":                             spaceRSS,
	"http://blogs.law.harvard.edu/tech/rss":                          spaceRSS,
	"http://cyber.law.harvard.edu/rss/rss.html":                      spaceRSS,
	"http://www.w3.org/2005/atom":                                    spaceAtom,
	"http://purl.org/atom/ns#":                                       spaceAtom,
	"http://purl.org/atom/ns":                                        spaceAtom,
	"http://www.w3.org/1999/02/22-rdf-syntax-ns#":                    spaceRDF,
	"http://purl.org/rss/1.0/modules/content":                        spaceContent,
	"http://purl.org/dc/elements/1.1":                                spaceDC,
	"http://purl.org/dc/elements/1.0":                                spaceDC,
	"http://purl.org/dc/terms":                                       spaceDC,
	"http://purl.org/rss/1.0/modules/dcterms":                        spaceDC,
	"http://search.yahoo.com/mrss":                                   spaceMedia,
	"http://www.rssboard.org/media-rss":                              spaceMedia,
	"http://video.search.yahoo.com/mrss":                             spaceMedia,
	"http://search.yahoo.com/mrss/media.html":                        spaceMedia,
	"http://tools.search.yahoo.com/mrss":                             spaceMedia,
	"http://www.itunes.com/dtds/podcast-1.0.dtd":                     spaceITunes,
	"http://example.com/dtds/podcast-1.0.dtd":                        spaceITunes,
	"http://purl.org/rss/1.0/modules/syndication":                    spaceSY,
	"http://purl.org/syndication/history/1.0":                        spaceHistory,
	"http://www.pheedo.com/namespace/pheedo":                         spaceBurner,
	"http://rssnamespace.org/feedburner/ext/1.0":                     spaceBurner,
	"http://wellformedweb.org/commentapi":                            spaceComments,
	"http://backend.userland.com/creativecommonsrssmodule":           spaceLicense,
	"http://cyber.law.harvard.edu/rss/creativecommonsrssmodule.html": spaceLicense,
	"http://web.resource.org/cc":                                     spaceLicense,
	"http://creativecommons.org/ns#":                                 spaceLicense,
	"http://www.w3.org/1999/xhtml":                                   spaceXHTML,
	"http://www.w3.org/xml/1998/namespace":                           spaceXML,
}

// usual are the prefixes of documents that forgot to declare them.
var usual = map[string]space{
	"content": spaceContent, "dc": spaceDC, "dcterms": spaceDC, "media": spaceMedia, "itunes": spaceITunes, "sy": spaceSY,
	"fh": spaceHistory, "feedburner": spaceBurner, "pheedo": spaceBurner, "atom": spaceAtom, "atom10": spaceAtom, "a10": spaceAtom, "rdf": spaceRDF,
	"xhtml": spaceXHTML, "wfw": spaceComments, "creativecommons": spaceLicense, "cc": spaceLicense, "xml": spaceXML, "rss": spaceRSS,
}

// spaceOf is the namespace of a name; some wrote https into all addresses of their
// templates, and one nobody knows means what its prefix usually does.
func spaceOf(uri, prefix string) space {
	name := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(uri)), "/")
	if rest, ok := strings.CutPrefix(name, "https:"); ok {
		name = "http:" + rest
	}
	if s, ok := spaces[name]; ok {
		return s
	}
	return usual[strings.ToLower(prefix)]
}

// binding is a prefix in scope; the empty prefix is the default namespace.
type binding struct {
	prefix string
	space  space
}

// bind declares what the open tag declares.
func (r *xmlReader) bind() {
	for _, a := range r.attrs {
		if prefix, ok := strings.CutPrefix(a.name, "xmlns"); ok {
			if prefix, ok = strings.CutPrefix(prefix, ":"); ok || prefix == "" {
				s := spaceOf(unescape(a.value), prefix)
				if len(r.open) == 0 && prefix == prefixOf(r.name) && (s == spaceOther || r.root == spaceRSS && prefix == "" && s == spaceAtom) {
					s = r.root // the root of a feed is one, whatever it calls its namespace
				}
				r.declare(prefix, s)
			}
		}
	}
}

// declare puts a prefix into scope, unless it means the same already. More than
// maxNamespaces at a time are nobody's: looking through them would cost more than
// reading.
func (r *xmlReader) declare(prefix string, s space) {
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if r.bindings[i].prefix == prefix {
			if r.bindings[i].space == s {
				return
			}
			break
		}
	}
	if len(r.bindings) < maxNamespaces {
		r.bindings = append(r.bindings, binding{prefix, s})
	}
}

func prefixOf(name string) string {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[:i]
	}
	return ""
}

// resolve returns the namespace of a name and its local part in lower case.
func (r *xmlReader) resolve(name string) (space, string) {
	prefix, local := "", name
	if i := strings.IndexByte(name, ':'); i >= 0 {
		prefix, local = name[:i], name[i+1:]
	}
	local = strings.ToLower(local) // <PubDate>; costs nothing when it is already
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if r.bindings[i].prefix == prefix {
			return r.bindings[i].space, local
		}
	}
	if prefix == "" {
		return r.root, local
	}
	return usual[strings.ToLower(prefix)], local
}
