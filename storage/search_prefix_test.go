package storage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// Whatever its length, of the lengths that have an index or of others, a beginning finds
// each text with a word that begins so, and no other.
func TestBeginningsOfAnyLengthFindAllThatBeginSo(t *testing.T) {
	said := map[string]string{} // by title
	add := func(words ...string) {
		said[fmt.Sprint("Post ", len(said))] = "filler " + strings.Join(words, " ")
	}
	for _, stem := range []string{"begin", "бегин", "βήτα", "éclair", "קוד"} {
		for _, end := range []string{"", "n", "nn", "ning", "nings", "ner", "x7", "é", "я", "zzz", "zzzzzzzz"} {
			add(stem + end)
			add("before", stem+end, "behind")
		}
	}
	for r := 'a'; r <= 'z'; r++ {
		add(fmt.Sprintf("wid%cning", r), fmt.Sprintf("narro%c", r))
	}
	var many []string // more than are looked up one by one
	for r := 'а'; len(many) < 2*mostBeginnings; r++ {
		if _, text := feeds.SearchText(&feeds.Entry{Content: "wid" + string(r)}); strings.HasPrefix(text, "wid") && !slices.Contains(many, text) && !strings.Contains(text, " ") {
			many = append(many, text)
		}
	}
	add("wid")
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		said := maps.Clone(said)
		store := func(at time.Time) {
			var posts []feeds.Entry
			for title, text := range said {
				posts = append(posts, saying(title, text))
			}
			visit(t, db, "a", at, posts...)
			indexAll(t, db)
		}
		look := func() {
			t.Helper()
			for _, stem := range []string{"beginnings", "beginzzzzzzzz", "бегиняя", "βηταners", "eclairning", "קודner", "widening", "narrow", "widя"} {
				letters := []rune(stem)
				for n := 3; n <= len(letters); n++ {
					begin := string(letters[:n])
					var alone, after, without []string
					for title, text := range said {
						_, terms := feeds.SearchText(&feeds.Entry{Content: text})
						terms = " " + terms
						switch {
						case !strings.Contains(terms, " "+begin):
							without = append(without, title)
						case strings.Contains(terms, " before "+begin):
							after = append(after, title)
							fallthrough
						default:
							alone = append(alone, title)
						}
					}
					finds(t, db, begin+"*", alone...)
					finds(t, db, "filler "+begin+"*", alone...)
					finds(t, db, `"before `+begin+`*"`, after...)
					finds(t, db, "filler -"+begin+"*", without...)
				}
			}
		}
		store(epoch)
		look()
		for some := range slices.Chunk(many, 20) {
			said[fmt.Sprint("Post ", len(said))] = "filler " + strings.Join(some, " ")
		}
		store(epoch.Add(2 * time.Hour))
		look()
	})
}
