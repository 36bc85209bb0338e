package feedstest

import "strings"

func nestings() []Attack {
	within := strings.Repeat("<a>", 250) + strings.Repeat("</a>", 250)
	return []Attack{
		{"nested", ".xml", fill(item+"<a xmlns='u'>", "<a>", "")}, // recursion: a stack overflow that no recover catches
		{"nested, then closed", ".xml", halves(item, "<aaa>", "</aaa>", endItem)},
		{"nested within the bound", ".xml", fill(item, within, endItem)},
		{"nested channels", ".xml", fill(rss, "<channel>", "")}, // places, which are entered
		{"nested roots", ".xml", fill("", "<rss version='2.0'>", "")},
		{"nested items", ".xml", fill(rss, "<item><guid>1</guid>", "")},
		{"nested authors", ".xml", fill(entry, "<author><name>a</name>", "")},
		{"nested groups", ".xml", fill(item, "<media:group>", "")},
		{"nested groups within the bound", ".xml", fill(item, strings.Repeat("<media:group>", 200)+strings.Repeat("</media:group>", 200), endItem)},
		{"nested descriptions", ".xml", fill(item, "<description>", "")},
		{"nested xhtml", ".xml", fill(xdiv, "<div>", "")},
		{"closing tags", ".xml", fill(item, "</a>", endItem)},
		{"closing tags of nobody, deep inside", ".xml", fill(rss+strings.Repeat("<channel>", 200), "</a>", "")}, // each looks at all that is open
		{"closing tags without end", ".xml", fill(item, "</a ", "")},
	}
}

func namespaces() []Attack {
	prefixes := func(n, size int) string {
		return `<rss xmlns:` + strings.TrimSuffix(counted(n, strings.Repeat("p", size)+"%d='u' xmlns:"), " xmlns:") + "><channel>"
	}
	wide := prefixes(240, 1) + strings.TrimSuffix(prefixes(240, 2), "<channel>")
	scopes := "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' a='" + strings.Repeat("s", 1024) + "'>" +
		strings.Repeat("<rdf:rdf xmlns='u'><rdf:rdf xmlns=''>", 120)
	return []Attack{
		{"nested namespaces", ".xml", number(rss, "<a xmlns:b%d='u'>", "")}, // copied for every level: quadratic
		{"namespaces, unclosed", ".xml", number(rss, "<x:a xmlns:x='u%d'/>", "")},
		{"namespaces on one element", ".xml", number("<rss", " xmlns:a%d='u'", ">")},
		{"one namespace, declared again and again", ".xml", fill(rss, "<a:b xmlns:a='u'/>", "")},
		{"many prefixes, looked up", ".xml", fill(wide, "<z:a/>", "")}, // elements × declarations
		{"long prefixes, looked up", ".xml", fill(prefixes(240, 200), "<"+strings.Repeat("p", 200)+"240:a/>", "")},
		{"roots within scopes", ".xml", fill(scopes, "<rdf:rdf/>", "")}, // each root asks every declaration around it
		{"a long namespace", ".xml", fill("<rss xmlns:a='", "u", "'><channel>")},
		{"a long prefix", ".xml", fill("<rss xmlns:", "a", "='u'><channel>")},
		{"colons", ".xml", fill(item, "<:::::>", "")},
	}
}

func elements() []Attack {
	return []Attack{
		{"empty items", ".xml", fill(rss, "<item/>", "")}, // 1 GB of structs elsewhere
		{"small items", ".xml", fill(rss, "<item><a/></item>", "")},
		{"open items", ".xml", fill(rss, "<item><title>", "")}, // each end is found by going back
		{"items with a GUID", ".xml", number(rss, "<item><guid>%d</guid></item>", endRSS)},
		{"one guid", ".xml", fill(rss, "<item><guid>1</guid></item>", "")},
		{"items without a GUID", ".xml", number(rss, "<item><title>a</title><description>%d</description></item>", "")},
		{"entries", ".xml", number(atom, "<entry><id>%d</id><content>a</content></entry>", "</feed>")},
		{"unknown elements", ".xml", number(item, "<a%d/>", "")},
		{"elements in a title", ".xml", fill(item+"<title>", "<b>a</b>", "</title>"+endItem)},
		{"elements in a title, unclosed", ".xml", fill(item+"<title>", "<b>", "")},
		{"titles", ".xml", fill(item, "<title>a</title>", endItem)},
		{"descriptions", ".xml", fill(item, "<description>a</description>", endItem)},
		{"descriptions, unclosed", ".xml", fill(item, "<title>a<description>b", "")},
		{"rdf items", ".xml", number("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>", "<item rdf:about='%d'><title>a</title></item>", "</rdf:RDF>")},
		{"markup in text", ".xml", fill(item+"<description>", "<b>", "")},
		{"a huge element name", ".xml", fill(item+"<", "a", "/>"+endItem)},
		{"huge element names", ".xml", fill(item, "<"+strings.Repeat("a", 4000)+"/>", endItem)},
	}
}

func attributes() []Attack {
	return []Attack{
		{"attributes", ".xml", number(rss+"<item", " a%d='b'", "")}, // compared with each other: quadratic
		{"attributes of one name", ".xml", fill(rss+"<item", " a='b'", "/>")},
		{"attributes within the bound", ".xml", fill(item, "<link"+counted(250, " a%d=''")+"/>", endItem)}, // searched for every name we want
		{"attributes without values", ".xml", fill(rss+"<item", " a", ">")},
		{"attributes without spaces", ".xml", fill(rss+"<item", " a=''b=''", ">")},
		{"quotes", ".xml", fill(rss, "<a b='>", "")},
		{"quotes of two kinds", ".xml", fill(rss, `<a b="' c='"`, "")},
		{"quotes that are never closed", ".xml", fill(rss, `<a b=">`, "<c d='")},
		{"values without quotes", ".xml", fill(rss, "<a b=c", "")},
		{"equals signs", ".xml", fill(rss+"<a", "=", ">")},
		{"tags without end", ".xml", fill(item, "<a ", "")},
		{"slashes in a tag", ".xml", fill(rss+"<a", "/", ">")},
		{"a huge attribute", ".xml", fill(rss+"<a b='", "c", "'/>")},
		{"a huge attribute of references", ".xml", fill(item+"<enclosure url='", "&amp;", "'/>"+endItem)},
		{"a huge attribute of quotes", ".xml", fill(xdiv+"<b a='", `"`, "'/>"+endXdiv)}, // six times as long as HTML
		{"a huge attribute name", ".xml", fill(rss+"<a ", "b", "='c'/>")},
	}
}

func markup() []Attack {
	return []Attack{
		{"comments", ".xml", fill(rss, "<!---->", "")},
		{"comments in text", ".xml", fill(item+"<x:a>", "b<!---->", "")}, // text joined piece by piece: quadratic
		{"comments without end", ".xml", fill(rss, "<!--", "")},
		{"a comment of dashes", ".xml", fill(rss+"<!--", "-", "")},
		{"sections", ".xml", fill(item+"<title>", "<![CDATA[a]]>", "")},
		{"sections in a description", ".xml", fill(item+"<description>", "<![CDATA[<b>]]>a", "</description>"+endItem)},
		{"open sections", ".xml", fill(rss, "<![CDATA[", "")},
		{"ends of sections", ".xml", fill(item+"<title>", "]]>", "")},
		{"instructions", ".xml", fill(rss, "<?a", "")},
		{"instructions, closed", ".xml", fill(rss, "<?a?>", "")},
		{"stylesheets before the root", ".xml", fill("", "<?xml-stylesheet href='a'?>", rss)}, // a prolog over 4,096 bytes
		{"comments before the root", ".xml", fill("", "<!-- a -->", item+endItem)},
		{"roots in comments", ".xml", fill("", "<!--<rss >-->", item+endItem)}, // each is looked at anew
		{"roots in one comment", ".xml", fill("<!--", "<rss >", "-->"+item+endItem)},
		{"spaces before the root", ".xml", fill("", " ", item+endItem)},
		{"words before the root", ".xml", fill("", "Warning: ", item+endItem)},
		{"almost a root", ".xml", fill("", "<rs ", "")},
		{"almost a root, with a prefix", ".xml", fill("<", "a", ":rss")},
		{"almost a page", ".xml", fill("", "<!doctype ", "")},
		{"a page", ".xml", fill("<!doctype html><html><head><title>", "a ", "</title></head></html>")},
		{"text behind the end", ".xml", fill(item+endItem, "<a/>b", "")},
	}
}

func documentTypes() []Attack {
	laughs := `<!DOCTYPE rss [<!ENTITY l0 "lol">` + strings.Join([]string{
		`<!ENTITY l1 "&l0;&l0;&l0;&l0;&l0;&l0;&l0;&l0;&l0;&l0;">`, `<!ENTITY l2 "&l1;&l1;&l1;&l1;&l1;&l1;&l1;&l1;&l1;&l1;">`,
		`<!ENTITY l3 "&l2;&l2;&l2;&l2;&l2;&l2;&l2;&l2;&l2;&l2;">`, `<!ENTITY l4 "&l3;&l3;&l3;&l3;&l3;&l3;&l3;&l3;&l3;&l3;">`,
		`<!ENTITY l5 "&l4;&l4;&l4;&l4;&l4;&l4;&l4;&l4;&l4;&l4;">`, `<!ENTITY l6 "&l5;&l5;&l5;&l5;&l5;&l5;&l5;&l5;&l5;&l5;">`,
	}, "") + "]>"
	return []Attack{
		{"declarations", ".xml", fill(rss, "<!a[>", "")}, // each looks for its ]>: quadratic
		{"declarations that end together", ".xml", fill(rss, "<!a[>", "]>")},
		{"document types", ".xml", fill("", "<!DOCTYPE rss [ ]>", item+endItem)},
		{"entities declared", ".xml", number("<!DOCTYPE rss [", "<!ENTITY a%d 'b'>", "]>"+item+endItem)},
		{"a billion laughs", ".xml", fill(laughs+item+"<title>", "&l6;", "</title>"+endItem)}, // a million times as long
		{"one long entity, used often", ".xml", func(n int) []byte { // quadratic when expanded
			long := fill("<!DOCTYPE rss [<!ENTITY a '", "b", "'>]>")(n / 2)
			return append(long, fill(item+"<description>", "&a;", "</description>"+endItem)(n/2)...)
		}},
		{"external entities", ".xml", fill(`<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b SYSTEM "http://127.0.0.1:1/">]>`+item+"<title>", "&a;&b;", "</title>"+endItem)},
		{"parameter entities", ".xml", fill(`<!DOCTYPE rss [<!ENTITY % a "b"><!ENTITY % c SYSTEM "file:///dev/zero">`, "%a;%c;", "]>"+item+endItem)},
		{"attributes declared", ".xml", number("<!DOCTYPE rss [", "<!ATTLIST rss a%d CDATA 'b'>", "]>"+item+endItem)},
		{"a subset without end", ".xml", fill("<!DOCTYPE rss [", "<!ENTITY a 'b'>", item+endItem)},
	}
}
