package feeds

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestASummaryIsTheBeginningOfALongPost(t *testing.T) {
	words := strings.TrimSpace(strings.Repeat("word ", 30)) // 149 characters
	tests := []struct{ name, content, want string }{
		{"nothing", "", ""},
		{"a short post needs none", "<p>Short and <b>sweet</b></p>", ""},
		{"short text without markup", "Short", ""},
		{"a picture has no text", `<p><img src="https://b.example/i.png"></p>`, ""},
		{"a table alone", "<table><tr><td>1</td></tr></table>", ""},
		{"the words beside a picture", `<img src="https://b.example/i.png"><p>Look</p>`, "<p>Look</p>"},
		{"headings and code are left out", "<h2>Why</h2><p>So.</p><pre>x()</pre><p>Thus.</p>", "<p>So.</p><p>Thus.</p>"},
		{"nothing of what is left out", "<figure><figcaption><p>c</p></figcaption></figure><p>a</p>", "<p>a</p>"},
		{"long", "<p>" + words + " <em>" + words + "</em> more</p>",
			"<p>" + words + " <em>" + strings.TrimSpace(strings.Repeat("word ", 10)) + "…</em></p>"},
		{"links and lists stay", `<ul><li><a href="https://b.example/">a</a></li></ul><h3>b</h3>`, `<ul><li><a href="https://b.example/">a</a></li></ul>`},
		{"whole paragraphs where the next hardly fits", "<p>" + words + " four more words here and on</p><p>" + words + "</p>",
			"<p>" + words + " four more words here and on</p>"},
		{"one long word", "<p>" + strings.Repeat("é", 300) + "</p>", "<p>" + strings.Repeat("é", 199) + "…</p>"},
		{"punctuation goes before the cut", "<p>" + words + ", " + strings.Repeat("x", 47) + ", more of it</p>",
			"<p>" + words + ", " + strings.Repeat("x", 47) + "…</p>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			content := Sanitize(test.content, "")
			if content != test.content {
				t.Fatalf("the content is not clean: %q", content)
			}
			got := summarize(content, 200)
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if n := utf8.RuneCountInString(PlainText(got)); n > 200 {
				t.Errorf("%d characters", n)
			}
			if again := Sanitize(got, ""); again != got {
				t.Errorf("sanitized again it is %q", again)
			}
		})
	}
}

// A summary of ours is no word of the source: it makes no revision, and a category
// is not filled by it twice.
func TestAMadeSummaryIsNotPartOfWhatThePostSays(t *testing.T) {
	long := "<p>" + strings.Repeat("word ", 200) + "</p>"
	f := Feed{Entries: []Entry{{GUID: "1", Content: long}, {GUID: "2", Content: long, Summary: "Said."}}}
	Normalize(&f, readAt)
	made, said := &f.Entries[0], &f.Entries[1]
	if !made.SummaryMade || made.Summary == "" {
		t.Errorf("made %v, summary %q", made.SummaryMade, made.Summary)
	}
	if said.SummaryMade || said.Summary != "Said." {
		t.Errorf("made %v, summary %q", said.SummaryMade, said.Summary)
	}
	without := *made
	without.Summary, without.SummaryMade = "", false
	if made.Hash() != without.Hash() {
		t.Error("the summary we made changes the hash")
	}
	without.Summary = "Said."
	if made.Hash() == without.Hash() {
		t.Error("a summary that was said does not change the hash")
	}
	once := &Entry{Title: "t", Content: "<p>one</p>", Summary: "two three", SummaryMade: true}
	if containsWords(once, []string{"two three"}) {
		t.Error("a category was filled by the summary that we made")
	}
}
