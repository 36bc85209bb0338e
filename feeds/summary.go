package feeds

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSummary is how long a summary is that is made of a content, in characters.
const maxSummary = 500

// excerptSize is how much of a post stands for a missing summary, in bytes.
const excerptSize = 500

// summarize is the beginning of content as HTML: its first paragraphs and lists,
// at most n characters of text, cut at a word. Headings, pictures, tables and code
// are left out. It is empty where all of content would do, and where there is no
// text. content must be sanitized.
func summarize(content string, n int) string {
	if len(content) < n && !strings.Contains(content, "<") {
		return ""
	}
	t := &tidier{htmlScanner: htmlScanner{src: content}}
	whole, said := true, false
	for left := n; left > 0; {
		switch t.next() {
		case htmlEnd:
			if whole || !said {
				return ""
			}
			return t.summary()
		case htmlText:
			left = t.upTo(left)
			said = said || strings.TrimSpace(t.raw) != ""
		case htmlClose:
			t.end(t.name)
		case htmlOpen:
			what := traits[t.name]
			if what&isPhrasing == 0 && left < n/5 { // hardly a word of the next paragraph would fit
				return t.summary()
			}
			if what&isSummed != 0 {
				t.start()
				continue
			}
			if whole = false; what&isVoid == 0 {
				t.skipElement(t.name)
			}
		}
	}
	return t.summary()
}

// Excerpts makes a small feed of f: each entry has its summary in place of its text, but
// a text that is no longer than a summary stays as it is, and so does what is attached.
// Of a long text without a word, such as a table of pictures, nothing is left but the
// address.
func (f *Feed) Excerpts() {
	for i := range f.Entries {
		e := &f.Entries[i]
		if e.Summary == "" && len(e.Content) <= maxSummary {
			continue
		}
		e.Summary, e.Content = e.excerpt(), ""
	}
}

// longExcerpt is how many bytes of HTML an excerpt has, about: a summary that the source
// gave may have as many, and what summarize makes has hardly more.
const longExcerpt = 4 * maxSummary

func (e *Entry) excerpt() string {
	if e.Summary != "" && len(e.Summary) <= longExcerpt {
		return e.Summary
	}
	text := cmp.Or(e.Summary, e.Content)
	if made := Sanitize(summarize(text, maxSummary), ""); made != "" {
		return made
	}
	if len(text) <= longExcerpt { // all of it would do
		return text
	}
	if words := Excerpt(text, excerptSize); words != "" { // code, or a table, and hardly a word beside it
		return "<p>" + escapeHTML(words) + "</p>"
	}
	return ""
}

// upTo writes the next text as far as left characters go and returns how many
// are left, none when it was cut.
func (t *tidier) upTo(left int) int {
	text := plainValue(t.raw)
	if n := utf8.RuneCountInString(text); n < left {
		t.escape(text)
		return left - n
	}
	t.escape(firstWords(text, left))
	t.out.WriteString("…")
	return 0
}

// firstWords is the longest beginning of s of whole words that has less than n
// characters; of a single long word as much as fits.
func firstWords(s string, n int) string {
	end := len(s)
	for i := range s {
		if n--; n <= 0 {
			end = i
			break
		}
	}
	if next, _ := utf8.DecodeRuneInString(s[end:]); end < len(s) && !unicode.IsSpace(next) { // in a word
		if i := strings.LastIndexFunc(s[:end], unicode.IsSpace); i > 0 {
			end = i
		}
	}
	return strings.TrimRightFunc(s[:end], func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) })
}

func (t *tidier) summary() string {
	t.closeTo(0)
	return strings.TrimSpace(t.out.String())
}

// titleHTML is fragment with the elements that a line of text may have, balanced;
// empty where that says no more than title, which is its text.
func titleHTML(fragment, title string) string {
	if !strings.Contains(fragment, "<") {
		return ""
	}
	t := &tidier{htmlScanner: htmlScanner{src: clean(cut(fragment, 4*MaxTitle))}}
	for more := true; more; {
		switch t.next() {
		case htmlEnd:
			more = false
		case htmlText:
			t.text(t.raw)
		case htmlOpen:
			t.titleTag()
		case htmlClose:
			if n, what := elementOf(t.name); what&isTitle != 0 {
				t.end(n)
			} else if !inline[n] {
				t.out.WriteByte(' ')
			}
		}
	}
	t.closeTo(0)
	out := oneLine(t.out.String())
	if !strings.Contains(out, "<") || PlainText(out) != title {
		return ""
	}
	return out
}

func (t *tidier) titleTag() {
	switch n, what := elementOf(t.name); {
	case what&isTitle != 0:
		t.start()
	case what&isDropped != 0:
		if !t.self && t.hasEnd(n) {
			t.skipElement(n)
		}
	case !inline[n]: // it separates words
		t.out.WriteByte(' ')
	}
}
