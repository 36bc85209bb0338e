package storage

import (
	"encoding/json"
	"reflect"
	"testing"

	"orrery/feeds"
)

// What is stored of an entry is read as the standard package reads it, which wrote it.
func TestEntriesAreReadAsTheyWereWritten(t *testing.T) {
	check := func(e feeds.Entry) {
		t.Helper()
		body, _, err := encode(&e)
		if err != nil {
			t.Fatal(err)
		}
		var got, want feeds.Entry
		if err := decode([]byte(body), &got); err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n%+v\n%+v", err, got, want)
		}
	}
	for c := range rune(0x300) {
		check(feeds.Entry{GUID: "g" + string(c), Content: "before" + string(c) + "after", Summary: string(c)})
	}
	for _, s := range []string{"", `\`, `\"`, `\u0041`, "a\nb\tc\rd\x00", "\xff\xc3", "\u2028", "\U0001F600", `<a href="x">&amp;</a>`, `{"guid":1}`} {
		check(feeds.Entry{GUID: s, Title: s, TitleHTML: s, Content: s, Tags: []feeds.Tag{{Term: s}}, Links: []feeds.Link{{Rel: s}}})
		check(feeds.Entry{GUID: s, Summary: s, Authors: []feeds.Person{{Name: s}}, Aliases: []string{s}, Published: epoch, Unzoned: true})
		check(feeds.Entry{Permalink: s, SummaryMade: true, Origin: &feeds.Origin{Title: s, Updated: epoch}, Enclosures: []feeds.Enclosure{{URL: s, Length: 1 << 40}}})
	}
}

func TestRealEntriesAreReadAsTheyWereWritten(t *testing.T) {
	for _, e := range realPosts(t) {
		body, _, err := encode(&e)
		if err != nil {
			t.Fatal(err)
		}
		var got, want feeds.Entry
		if err := decode([]byte(body), &got); err != nil {
			t.Fatalf("%s: %v", e.GUID, err)
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v", e.GUID, err)
		}
	}
}
