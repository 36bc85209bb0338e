package site

import (
	"fmt"
	"html/template"
	"reflect"
	"strings"
	"testing"

	"orrery/feeds"
)

// otherwise are copies of v that differ in one thing each, however deep it stands.
func otherwise(v reflect.Value) (list []reflect.Value) {
	with := func(change func(reflect.Value)) {
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		change(c)
		list = append(list, c)
	}
	switch v.Kind() {
	case reflect.String:
		with(func(c reflect.Value) { c.SetString(v.String() + "x") })
	case reflect.Bool:
		with(func(c reflect.Value) { c.SetBool(!v.Bool()) })
	case reflect.Int:
		with(func(c reflect.Value) { c.SetInt(v.Int() + 1) })
	case reflect.Struct:
		for i := range v.NumField() {
			for _, other := range otherwise(v.Field(i)) {
				with(func(c reflect.Value) { c.Field(i).Set(other) })
			}
		}
	case reflect.Slice:
		for _, other := range append(otherwise(reflect.Zero(v.Type().Elem())), reflect.Zero(v.Type().Elem())) {
			with(func(c reflect.Value) { c.Set(reflect.Append(c, other)) })
		}
	case reflect.Pointer:
		for _, other := range append(otherwise(reflect.Zero(v.Type().Elem())), reflect.Zero(v.Type().Elem())) {
			with(func(c reflect.Value) {
				c.Set(reflect.New(v.Type().Elem()))
				c.Elem().Set(other)
			})
		}
	}
	return list
}

// Whatever a post shows, another key: also what a later field will show.
func TestPostsThatShowSomethingElseHaveAnotherKey(t *testing.T) {
	keys := map[string]string{}
	all := append(otherwise(reflect.ValueOf(post{})), reflect.ValueOf(post{}))
	if len(all) < reflect.TypeFor[post]().NumField() {
		t.Fatalf("only %d posts", len(all))
	}
	for _, v := range all {
		x := v.Interface().(post)
		key, ok := x.key(nil)
		if alone := x.Alone || x.History != nil || x.Reasons != nil || x.Marked != nil || x.Snippet != nil; ok == alone {
			t.Errorf("it is kept: %v, %+v", ok, x)
		}
		if !ok {
			continue
		}
		if other := keys[string(key)]; other != "" {
			t.Errorf("these have one key:\n%+v\n%s", x, other)
		}
		keys[string(key)] = fmt.Sprintf("%+v", x)
	}
	a, b := post{Title: "ab", Link: "c"}, post{Title: "a", Link: "bc"}
	x, _ := a.key(nil)
	if y, _ := b.key(nil); string(x) == string(y) {
		t.Error("where a text ends does not matter")
	}
}

func TestWhatWasRenderedIsKeptWithinABound(t *testing.T) {
	const most = 1000
	f := newFragments(most)
	html := func(i int) template.HTML { return template.HTML(strings.Repeat(fmt.Sprint(i%10), 90)) }
	for i := range 1000 {
		f.put(fmt.Appendf(nil, "key %05d", i), html(i))
		if got, ok := f.get([]byte("key 00000")); !ok || got != html(0) {
			t.Fatalf("what is asked for all the time is gone after %d: %q", i, got)
		}
		size := 0
		for _, kept := range []map[string]template.HTML{f.young, f.old} {
			for k, v := range kept {
				size += len(k) + len(v)
			}
		}
		if size > 2*most {
			t.Fatalf("%d bytes are kept", size)
		}
	}
	if _, ok := f.get([]byte("key 00500")); ok {
		t.Error("what nobody asks for is kept")
	}
	for _, key := range []string{"large", "another"} {
		f.put([]byte(key), template.HTML(strings.Repeat("x", 2*most)))
		if _, ok := f.get([]byte(key)); ok {
			t.Error("what is larger than the bound is kept")
		}
	}
	if _, ok := f.get([]byte("key 00000")); !ok {
		t.Error("what is larger than the bound has taken the place of the others")
	}
}

func TestPostThatWasRenderedIsNotRenderedAgain(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	x := (&poster{s: s, budget: inlineAll}).post(&f.entries[0])
	key, ok := x.key(nil)
	if !ok {
		t.Fatal("it is not kept")
	}
	s.posts.put(key, "<p>kept</p>")
	var room []byte
	if html, err := s.fragment(&x, &room); err != nil || html != "<p>kept</p>" {
		t.Errorf("%q, %v", html, err)
	}
	x.Title += "!"
	if html, err := s.fragment(&x, &room); err != nil || html == "<p>kept</p>" {
		t.Errorf("with another title %q, %v", html, err)
	}
}

// A page whose posts were rendered before has the bytes of one whose posts were not.
func TestPageOfKeptPostsIsThePageItWouldBe(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	for _, change := range []func(*feeds.Entry){
		func(*feeds.Entry) {},
		func(e *feeds.Entry) { e.Title = "Another title" },
		func(e *feeds.Entry) { e.Content = "<p>Another text.</p>" },
		func(e *feeds.Entry) { e.Revision++ },
		func(e *feeds.Entry) { e.Categories = nil },
		func(e *feeds.Entry) { e.Authors = []feeds.Person{{Name: "Somebody Else"}} },
	} {
		f.change(f.entries[1].ID, change)
		for _, path := range []string{"/", "/category/chess/", "/source/" + f.entries[1].Source.Slug + "/"} {
			fresh := newSite(t, f)
			refresh(t, s)
			refresh(t, fresh)
			if got, want := body(t, get(s, path)), body(t, get(fresh, path)); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
			}
		}
	}
}
