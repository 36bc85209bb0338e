package feeds

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestNamesThatPeopleMeanAlikeAreNear(t *testing.T) {
	tests := []struct {
		why   string
		names []string
		near  bool
	}{
		{"the same", []string{"Event", "Event"}, false},
		{"other case", []string{"Nyco", "nyco"}, true},
		{"a diacritic", []string{"Nyco", "Nÿco"}, true},
		{"a hyphen", []string{"XEP-0045", "XEP 0045"}, true},
		{"nothing to compare", []string{"-", " "}, false},

		{"-s", []string{"Event", "Events"}, true},
		{"-s of a short word", []string{"app", "Apps"}, true},
		{"-s of two letters is another word", []string{"CM", "CMS"}, false},
		{"-ss is no plural", []string{"Clas", "class"}, false},
		{"-es", []string{"Release Box", "release-boxes"}, true},
		{"-es after a plain letter", []string{"not", "notes"}, false},
		{"-ies", []string{"Story", "stories"}, true},
		{"-ies is none of -ie", []string{"Stor", "stories"}, false},
		{"German -e", []string{"Bericht", "Berichte"}, true},
		{"German -en", []string{"Nachricht", "Nachrichten"}, true},
		{"German -n after -e", []string{"Woche", "Wochen"}, true},
		{"a short English word with -e", []string{"them", "theme"}, false},
		{"a short English word with -en", []string{"gold", "golden"}, false},
		{"a plural of a number", []string{"2025", "2025s"}, false},
		{"a plural of C++", []string{"C++", "C++s"}, false},
		{"Cyrillic, one letter", []string{"Новости", "Новость"}, true},

		{"a letter replaced", []string{"Brasil", "Brazil"}, true},
		{"a letter more", []string{"Jabber", "Jabbber"}, true},
		{"a letter more than six", []string{"Jaber", "Jabber"}, false},
		{"the first letter", []string{"Diving", "Living"}, false},
		{"the first letter more", []string{"Events", "Revents"}, false},
		{"a sign is no letter", []string{"Google", "Google+"}, false},
		{"two letters", []string{"Federation", "Fedaratoin"}, false},
		{"six letters", []string{"Matrix", "Matrex"}, true},
		{"five letters", []string{"Conky", "Conny"}, false},
		{"letters that are not ASCII", []string{"Žluťoučký", "Žlutoucky"}, true},
		{"Greek", []string{"Ελευθερία", "Ελευθεροα"}, true},
		{"numbers", []string{"XEP-0045", "XEP-0046"}, false},
		{"numbers more", []string{"XEP-0045", "XEP-00455"}, false},
		{"years", []string{"2025", "2026"}, false},
		{"versions", []string{"v1", "v2"}, false},
		{"numbered words", []string{"Newsletter 1", "Newsletter 2"}, false},
		{"other words", []string{"Gajim", "Dino", "Conversations"}, false},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			got := NearNames(test.names)
			backwards := []string{}
			for _, n := range test.names {
				backwards = append([]string{n}, backwards...)
			}
			if again := NearNames(backwards); !reflect.DeepEqual(got, again) {
				t.Errorf("got %q, and backwards %q", got, again)
			}
			if (len(got) == 1) != test.near || len(got) > 1 {
				t.Errorf("%q: got %q", test.names, got)
			}
		})
	}
}

func TestNearNamesAreGroupedAndSorted(t *testing.T) {
	got := NearNames([]string{"summits", "Gajim", "news", "Summit", "Events", "News", "event", "XMPP Summit", "Event", "summit"})
	want := [][]string{{"Event", "Events", "event"}, {"News", "news"}, {"Summit", "summit", "summits"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Strangers make the names: neither many nor long ones may hold the program up.
func TestManyAndLongNamesAreComparedInTime(t *testing.T) {
	var names []string
	for i := range 20_000 {
		names = append(names, strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%08d", i*7919%100_000_000)))
	}
	for i := range 200 {
		names = append(names, strings.Repeat(string(rune('a'+i%26)), 10_000+i))
	}
	start := time.Now()
	NearNames(names)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func FuzzNearNames(f *testing.F) {
	f.Add("Event", "Events")
	f.Add("\xff\x00", "İstanbul")
	f.Fuzz(func(t *testing.T, a, b string) {
		got := NearNames([]string{a, b})
		if again := NearNames([]string{b, a, b}); !reflect.DeepEqual(got, again) {
			t.Errorf("%q, %q: got %q, and otherwise ordered %q", a, b, got, again)
		}
		if same := FoldTag(a) == FoldTag(b) && a != b && FoldTag(a) != ""; same && len(got) != 1 {
			t.Errorf("%q and %q are folded alike, got %q", a, b, got)
		}
	})
}
