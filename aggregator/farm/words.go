package farm

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// vocabulary is what posts are made of; words that stand earlier are said more often.
var vocabulary = strings.Fields(`the a of and to in that it is for on with as this was we are be have not at by
	from but they you can which one all there has or what more will time some would when out so up like people about who
	into just now other than then only also new over after first way because these most where how our many two even before
	here work such much through back good well made while still should each between both long last might never last own
	under right down might years make made using used without another around every something small against always same
	great number part place case week point hand group problem fact system question night word money month letter
	server client message protocol network browser release version library kernel compiler keyboard garden river mountain
	bicycle kitchen window station harbour winter summer autumn spring morning evening journey library engine paper pencil
	market teacher student village island bridge castle forest coffee bread butter cheese lemon orange pepper onion ginger
	camera picture colour shadow light corner circle square triangle pattern texture canvas violin guitar piano concert
	orchestra theatre museum gallery painting sculpture chapter story novel poem verse author reader writer editor
	printer publisher newspaper magazine article column headline archive catalogue index footnote glossary
	planet comet orbit telescope satellite gravity eclipse meteor galaxy horizon equator latitude longitude compass
	standard extension namespace encryption certificate signature handshake session transport payload header gateway
	federation presence roster avatar bookmark notification subscription archive upload stanza channel contact
	compile deploy measure refactor profile debug allocate schedule replicate compress encode decode parse render
	quickly slowly carefully rarely often usually perhaps certainly nearly almost probably finally suddenly recently
	interesting difficult simple beautiful strange familiar expensive cheap reliable fragile ancient modern curious
	patient honest careful generous stubborn quiet noisy bright heavy narrow gentle bitter distant hollow wooden
	naïve café über Größe façade résumé señor smörgåsbord Zürich Kraków São Łódź déjà vu 東京 привет`)

// ascii are the words that stand in addresses.
var ascii = slices.DeleteFunc(slices.Clone(vocabulary), func(w string) bool {
	return strings.ContainsFunc(w, func(r rune) bool { return r < 'a' || r > 'z' })
})

// names are of people.
var names = strings.Fields(`Ada Alan Barbara Dennis Donald Edsger Frances Grace Guido Hedy Ivan Jean John Karen Ken
	Leslie Linus Margaret Niklaus Radia Robin Sophie Tim Tony Vint Whitfield Yukihiro Zofia Anna Björn Chloé Dmitri
	Émile Fatima Giulia Håkon Inês Jürgen Katarzyna Łukasz María Noël Oğuz Petra Søren Tomáš Ursula Zoë`)

// phrases stand between them.
var phrases = []string{
	"as far as we know", "one of the most", "in the meantime", "at the end of the day", "it turns out that", "for the time being",
	"on the other hand", "more or less", "as soon as possible", "the first part of this", "thank you for reading", "let us know what you think",
	"a couple of years ago", "from time to time", "in other words", "we are happy to announce", "as you can see", "the latest release of",
}

// text writes words by a generator.
type text struct {
	*rand.Rand
	b     []byte
	nbsp  string   // what this blog writes between words that belong together
	marks []string // and between parts of a sentence
}

func (t *text) add(parts ...string) {
	for _, p := range parts {
		t.b = append(t.b, p...)
	}
}

// one is true one time in n.
func (t *text) one(n int) bool { return t.IntN(n) == 0 }

// pick takes from a list; what stands earlier is taken much more often.
func (t *text) pick(list []string) string {
	n := len(list)
	return list[t.IntN(n)*t.IntN(n)/n*t.IntN(n)/n]
}

func (t *text) word() string { return t.pick(vocabulary) }

// words are n of them as a title has them, without markup.
func (t *text) words(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = t.word()
	}
	return capital(strings.Join(list, " "))
}

func capital(s string) string {
	if s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// hex is a token as addresses have them.
func (t *text) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[t.IntN(len(digits))]
	}
	return string(b)
}

// slug is a part of an address.
func (t *text) slug() string {
	list := make([]string, 2+t.IntN(4))
	for i := range list {
		list[i] = t.pick(ascii)
	}
	return strings.Join(list, "-")
}

// sentence writes one with what people put between its words.
func (t *text) sentence() {
	n := 5 + t.IntN(18)
	t.add(capital(t.word()))
	for i := 1; i < n; i++ {
		switch t.IntN(60) {
		case 0:
			t.link()
			continue
		case 1:
			t.add(" <em>", t.word(), " ", t.word(), "</em>")
			continue
		case 2:
			t.add(" <strong>", t.word(), "</strong>")
			continue
		case 3:
			t.add(" <code>", t.word(), ".", t.word(), "()</code>")
			continue
		case 4:
			t.add(t.marks[t.IntN(len(t.marks))])
		case 5, 6, 7:
			t.add(",")
		case 8:
			t.add(t.nbsp, t.hex(2+t.IntN(6)))
		case 9, 10, 11, 12, 13, 14, 15, 16:
			t.add(" ", phrases[t.IntN(len(phrases))])
		}
		t.add(" ", t.word())
	}
	t.add(". ")
}

// link writes one to elsewhere, or to the blog itself by a relative address.
func (t *text) link() {
	t.add(` <a href="`)
	if t.one(4) {
		t.add("/", t.slug(), "/")
	} else {
		t.add("https://", t.slug(), "-", t.hex(2), ".example/", t.slug())
		if t.one(3) {
			t.add("?id=", t.hex(6), "&amp;page=", t.hex(1))
		}
	}
	t.add(`"`)
	if t.one(3) {
		t.add(` target="_blank" rel="noopener noreferrer"`)
	}
	t.add(">", t.word(), " ", t.word(), "</a>")
}
