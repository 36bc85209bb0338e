package feedstest

import "strings"

func lists() []Attack {
	return []Attack{
		{"list nested", ".opml", fill(opml, "<outline text='a'>", "")},
		{"list of comments", ".opml", fill(opml, "<!---->", endOPML)},
		{"list of attributes", ".opml", number(opml+"<outline", " a%d='b'", "/>"+endOPML)},
		{"list of a long attribute", ".opml", fill(opml+"<outline text='", "a ", "'/>"+endOPML)},
		{"list of namespaces", ".opml", number(opml, "<a xmlns:b%d='u'/>", endOPML)},
		{"list of entities", ".opml", number("<!DOCTYPE opml [", "<!ENTITY a%d 'b'>", "]>"+opml+endOPML)},
		{"list of references", ".opml", fill("<!DOCTYPE opml [<!ENTITY a 'b'>]>"+opml+"<outline text='", "&a;", "'/>"+endOPML)},
		{"list of text", ".opml", fill(opml, "<a/>b", endOPML)},
		{"list of elements without end", ".opml", fill(opml, "<br>", "")},
		{"list of nothing", ".opml", fill("", " ", "")},
		{"list of NUL", ".opml", fill(opml, "\x00", endOPML)},
		{"list in utf-16", ".opml", wide16List()},
		{"list with a long title", ".opml", fill(strings.TrimSuffix(opml, "t</title></head><body>"), "a ", "</title></head><body>"+endOPML)},
	}
}

func wide16List() func(n int) []byte {
	unit := func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" }
	return fill("\xFF\xFE"+unit(opml), unit("<outline text='a' xmlUrl='https://b.example/'/>"), unit(endOPML))
}

// outlines are feeds of a list; each is compared with those before it.
func outlines() []Attack {
	const one = "<outline text='a%d' xmlUrl='https://b.example/%d' />"
	// So long that there are fewer than 10,000 in 1 MB, which is the bound.
	const room = "<outline text='%d' xmlUrl='https://b.example/%d' htmlUrl='https://b.example/blog/of/somebody/%d' language='en' />"
	endFolders := strings.Repeat("</outline>", 60) + endOPML
	return []Attack{
		{"list of feeds", ".opml", number(opml, one, endOPML)},
		{"list of feeds within the bound", ".opml", number(opml, room, endOPML)},
		{"list of feeds of one title", ".opml", number(opml, strings.Replace(room, "text='%d'", "text='a'", 1), endOPML)}, // each needs a name of its own
		{"list of feeds of one address", ".opml", fill(opml, "<outline text='a' xmlUrl='https://b.example/'/>", endOPML)},
		{"list of feeds, deep inside", ".opml", number(opml+strings.Repeat("<outline text='a'>", 60), room, endFolders)},
		{"list of feeds in folders of long titles", ".opml", func(n int) []byte { // each is a category of every feed
			folders := strings.Repeat("<outline text='"+strings.Repeat("a ", n/3/60/2)+"'>", 60)
			return number(opml+folders, room, endFolders)(n)
		}},
		{"list of folders", ".opml", number(opml, "<outline text='%d'>"+room+"</outline>", endOPML)},
		{"list of categories", ".opml", number(opml+"<outline text='a' xmlUrl='https://b.example/' category='", "%d,", "'/>"+endOPML)}, // compared with each other: quadratic
		{"list of hosts in punycode", ".opml", number(opml, "<outline text='%d' xmlUrl='https://xn--"+strings.Repeat("a", 2000)+"/%d'/>", endOPML)},
		{"list of feeds of feeds", ".opml", fill(opml+"<outline text='a' xmlUrl='", "feed:", "https://b.example/'/>"+endOPML)},
		{"list of long addresses", ".opml", number(opml, "<outline text='%d' xmlUrl='"+longAddress(4000)+"%d'/>", endOPML)},
	}
}
