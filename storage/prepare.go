package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"orrery/feeds"
)

// prepared is an entry as it will be stored: all that can be made of it without
// the database. It is made before the visit has its turn to write, for which
// everybody else waits.
type prepared struct {
	*feeds.Entry
	guid       []byte // hash of the GUID
	identity   string // what its public ID is made of
	keys       []feeds.Key
	title      int64
	timed      []int64 // what others of its time with nearly the same text have in common with it
	titled     []int64 // and others with the same title
	marks      []int64 // what it is known by to its own source
	rank       int
	hash       string
	body       string
	categories string
}

// The ranks of copies: whose is shown first.
const (
	rankLocal = iota
	rankOwn
	rankElsewhere
)

func prepareAll(source *feeds.Source, f *feeds.Feed) ([]prepared, error) {
	at := *source
	if f.Link != "" {
		at.FeedLink = f.Link
	}
	out := make([]prepared, len(f.Entries))
	for i := range f.Entries {
		if err := out[i].prepare(&at, &f.Entries[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *prepared) prepare(source *feeds.Source, e *feeds.Entry) (err error) {
	p.Entry, p.guid, p.hash = e, hashOf(e.GUID), e.Hash()
	p.identity = e.Identity(source.URL)
	p.keys = e.Keys()
	for i := range p.keys {
		p.keys[i].Name = string(hashOf(p.keys[i].Name))
	}
	p.title = titleHash(e.Title)
	p.timed, p.titled = sketchOf(e, p.title)
	if p.timed == nil {
		p.marks = marksOf(source.URL, e, p.title)
	}
	switch {
	case source.Local():
		p.rank = rankLocal
	case source.Owns(e):
		p.rank = rankOwn
	default:
		p.rank = rankElsewhere
	}
	p.body, p.categories, err = encode(e)
	return err
}

// titleHash is equal for titles that say the same; 0 for none.
func titleHash(title string) int64 {
	fold := feeds.FoldTag(title)
	if fold == "" {
		return 0
	}
	return shortHash("title", fold)
}

func shortHash(kind, s string) int64 {
	sum := sha256.Sum256([]byte(kind + " " + s))
	return int64(binary.LittleEndian.Uint64(sum[:]))
}

// sketchOf are the values by which a copy with nearly the same text is found,
// whatever its source: those of its text for one of the same time, and with its title
// and beginning for one of any time. A short text has none.
//
// Without a title both values of the beginning, or both of the whole, must be the same:
// one of them alone is often a turn of phrase, and to compare texts takes a while.
func sketchOf(e *feeds.Entry, title int64) (timed, titled []int64) {
	values := feeds.SketchOf(e)
	if values == nil {
		return nil, nil
	}
	both := func(a, b uint64) int64 { return int64(bits.RotateLeft64(a, 32) ^ b) }
	timed = []int64{both(values[0], values[1]), both(values[2], values[3])}
	if title != 0 {
		titled = []int64{title ^ int64(values[0])}
	}
	return timed, titled
}

// marksOf are the values by which a source's own short post is found again when it
// has another GUID: its title's and its text's.
func marksOf(source string, e *feeds.Entry, title int64) []int64 {
	var out []int64
	if title != 0 {
		out = append(out, shortHash("title of "+source, strconv.FormatInt(title, 36)))
	}
	text := e.Content
	if text == "" && !e.SummaryMade {
		text = e.Summary
	}
	if text = feeds.PlainText(text); text != "" {
		out = append(out, shortHash("text of "+source, text))
	}
	return out
}

// found are all values by which the copy is found.
func (p *prepared) found() []int64 { return slices.Concat(p.timed, p.titled, p.marks) }

// probes ask for the copies that may say nearly the same; with again, also for those
// that were the same post of the source.
func (p *prepared) probes(again bool) []probe {
	var out []probe
	for _, v := range p.timed {
		out = append(out, probe{v, micros(p.Sort.Add(-nearTime)), micros(p.Sort.Add(nearTime))})
	}
	values := p.titled
	if again {
		values = slices.Concat(p.titled, p.timed, p.marks)
	}
	for _, v := range values {
		out = append(out, probe{v, math.MinInt64, math.MaxInt64})
	}
	return out
}

func (p *prepared) secure() bool { return strings.HasPrefix(p.Permalink, "https:") }

// length is that of its text in bytes.
func (p *prepared) length() int { return len(p.Content) + len(p.Summary) }

const keySize = 1 + 16

// packKeys is keys as a copy keeps them.
func packKeys(keys []feeds.Key) []byte {
	out := make([]byte, 0, len(keys)*keySize)
	for _, k := range keys {
		out = append(append(out, byte(k.Kind)), k.Name...)
	}
	return out
}

func unpackKeys(b []byte) []feeds.Key {
	var keys []feeds.Key
	for ; len(b) >= keySize; b = b[keySize:] {
		keys = append(keys, feeds.Key{Kind: feeds.KeyKind(b[0]), Name: string(b[1:keySize])})
	}
	return keys
}

func packSketch(values []int64) []byte {
	out := make([]byte, 0, 8*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	return out
}

func unpackSketch(b []byte) []int64 {
	var values []int64
	for ; len(b) >= 8; b = b[8:] {
		values = append(values, int64(binary.LittleEndian.Uint64(b)))
	}
	return values
}

// decode reads what was stored as JSON, or some of it. That is most of what a page or a
// feed costs, and takes the standard package more than twice as long.
func decode(body []byte, into any) error {
	return jsonv2.Unmarshal(body, into, jsonv1.FormatDurationAsNano(true)) // as the standard package writes them
}

func encode(e *feeds.Entry) (body, categories string, err error) {
	var b bytes.Buffer
	j := json.NewEncoder(&b)
	j.SetEscapeHTML(false) // six bytes for every < of a text that is HTML
	if err := j.Encode(e); err != nil {
		return "", "", err
	}
	categories, err = encodeCategories(e)
	return b.String(), categories, err
}

func encodeCategories(e *feeds.Entry) (string, error) {
	if len(e.Categories) == 0 {
		return "[]", nil
	}
	c, err := json.Marshal(e.Categories)
	return string(c), err
}
