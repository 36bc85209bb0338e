package site

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"orrery/feeds"
)

// decoded undoes a content coding, with libraries that did not apply it where there are any.
func decoded(t testing.TB, coding string, r io.Reader) string {
	t.Helper()
	var err error
	switch coding {
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(8<<20)); err == nil { // RFC 9659 §3
			defer z.Close()
			r = z
		}
	case "gzip":
		r, err = gzip.NewReader(r)
	}
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	return string(b)
}

// moves are about n bytes, always the same ones.
func moves(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "<p>Move %d: the %x goes to f%d, says %s.</p>\n", i, i*i*7919%10007, i%8+1, []string{"Ada", "Grace", "Edsger"}[i%3])
	}
	return b.Bytes()
}

func TestEveryCodingIsTheSameContentUnderATagOfItsOwn(t *testing.T) {
	s := newSite(t, newFake())
	for _, path := range []string{"/", "/feed.atom", "/feed.json", "/opml.xml", s.names.Style, s.names.Icon} {
		plain := get(s, path)
		want, tags := body(t, plain), map[string]bool{plain.Header.Get("ETag"): true}
		wantHeader(t, plain, "Content-Encoding", "none")
		for i := range codings {
			c := &codings[i]
			r := get(s, path, "Accept-Encoding", c.name)
			wantStatus(t, r, 200)
			wantHeader(t, r, "Content-Encoding", c.name)
			wantHeader(t, r, "Vary", plain.Header.Get("Vary"))
			tag := r.Header.Get("ETag")
			if tag[0] != '"' || tags[tag] {
				t.Errorf("%s: the tag of %s is %s", path, c.name, tag)
			}
			tags[tag] = true
			coded := body(t, r)
			if len(coded) >= len(want) || r.Header.Get("Content-Length") != fmt.Sprint(len(coded)) {
				t.Errorf("%s: %s sends %d of %d bytes, says %s", path, c.name, len(coded), len(want), r.Header.Get("Content-Length"))
			}
			if decoded(t, c.name, bytes.NewReader([]byte(coded))) != want {
				t.Errorf("%s: decoded from %s it differs", path, c.name)
			}
			wantStatus(t, get(s, path, "Accept-Encoding", c.name, "If-None-Match", tag), 304)
		}
	}
}

// A strong tag names bytes. When this fails, what was compressed with the library
// before has other bytes now: raise the number in the coding's mark, and put the
// hash here.
func TestAMarkNamesTheBytesThatACodingGives(t *testing.T) {
	for mark, want := range map[string]string{
		".b1": "8937ba7ad921f705",
		".z1": "edfc7b6cf26c0472",
		".g1": "80a397099416ee24",
	} {
		_, i := apart("x" + mark)
		if i < 0 {
			t.Errorf("no coding has the mark %s", mark)
			continue
		}
		sum := sha256.Sum256(codings[i].compress(moves(100 << 10)))
		if got := hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("%s with the mark %s gives %s, before %s", codings[i].name, mark, got, want)
		}
	}
}

func TestAnEncoderThatWasUsedGivesTheBytesOfAFreshOne(t *testing.T) {
	long := moves(300 << 10)
	for _, c := range []int{0, 1, 2} {
		used := codings[c].encoders.New().(encode)
		for n := 1; n < 60; n++ {
			from := n * n * 7919 % (len(long) / 2)
			doc := long[from : from+n*n*40]
			fresh := codings[c].encoders.New().(encode)
			if !bytes.Equal(used(doc), fresh(doc)) {
				t.Fatalf("%s: document %d of %d bytes differs", codings[c].name, n, len(doc))
			}
		}
	}
}

func TestARevisitCompressesNothing(t *testing.T) {
	s := newSite(t, newFake())
	plain := get(s, "/feed.atom").Header.Get("ETag")
	d := s.cache.get(route{feed: "atom"}).doc
	for i := range codings {
		tag := d.tag(i)[0]
		for _, list := range []string{tag, "W/" + tag, `"other", ` + tag} {
			r := get(s, "/feed.atom", "Accept-Encoding", codings[i].name, "If-None-Match", list)
			wantStatus(t, r, 304)
			wantHeader(t, r, "ETag", tag)
		}
	}
	wantStatus(t, get(s, "/feed.atom", "Accept-Encoding", "br", "If-None-Match", plain), 304)
	for i := range codings {
		if d.coded[i].body != nil {
			t.Errorf("%s was made", codings[i].name)
		}
	}
}

func TestAClientGoesOnWithTheFormItHas(t *testing.T) {
	s := newSite(t, newFake())
	tag := map[string]string{}
	for _, c := range []string{"identity", "gzip", "zstd", "br"} {
		tag[c] = get(s, "/", "Accept-Encoding", c).Header.Get("ETag")
	}
	proxied := tag["identity"][:len(tag["identity"])-1] + `-gzip"`
	for _, c := range []struct {
		name, accept, match string
		want                int
		tag                 string // what the answer names
	}{
		{"it has the dearest", "br, gzip", tag["br"], 304, tag["br"]},
		{"it has another one that it takes", "br, gzip", tag["gzip"], 304, tag["gzip"]},
		{"it has the plain bytes", "br, gzip", tag["identity"], 304, tag["identity"]},
		{"it has two", "gzip, br", tag["gzip"] + ", " + tag["br"], 304, tag["br"]},
		{"it has two and would rather not have one", "gzip, br;q=0.5", tag["gzip"] + ", " + tag["br"], 304, tag["gzip"]},
		{"it has one that it does not take now", "br", tag["gzip"], 200, tag["br"]},
		{"it has one and takes none now", "", tag["gzip"], 200, tag["identity"]},
		{"it refuses what it has", "br, gzip;q=0", tag["gzip"], 200, tag["br"]},
		{"a proxy has compressed the plain bytes", "gzip", proxied, 304, tag["identity"]},
		{"a version of the coding that is no more", "br", tag["identity"][:len(tag["identity"])-1] + `.b0"`, 200, tag["br"]},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := get(s, "/", "Accept-Encoding", c.accept, "If-None-Match", c.match)
			wantStatus(t, r, c.want)
			wantHeader(t, r, "ETag", c.tag)
		})
	}
	r := get(s, "/", "Accept-Encoding", "br, gzip", "If-Match", tag["gzip"])
	wantStatus(t, r, 200)
	wantHeader(t, r, "Content-Encoding", "gzip") // the representation that the condition is about
	wantHeader(t, r, "ETag", tag["gzip"])
}

func TestWhatDoesNotGetSmallerIsSentAsItIs(t *testing.T) {
	s := newSite(t, newFake())
	d := newDocument([]byte("tiny"), facts{typ: "text/plain"})
	s.assets["tiny"] = d
	for _, accept := range []string{"br", "gzip, zstd, br", "gzip, identity;q=0", "*"} {
		r := get(s, "/tiny", "Accept-Encoding", accept)
		wantStatus(t, r, 200)
		wantHeader(t, r, "Content-Encoding", "none")
		wantHeader(t, r, "ETag", d.plain.tag[0])
		wantHeader(t, r, "Content-Length", "4")
	}
}

func TestSimultaneousRequestsCompressOnce(t *testing.T) {
	d := newDocument(moves(50<<10), facts{})
	var wg sync.WaitGroup
	forms := make([]*form, 30)
	for i := range forms {
		wg.Go(func() { forms[i] = d.form(i % 3) })
	}
	wg.Wait()
	var sum int64
	for i, f := range forms {
		if f == nil || f != forms[i%3] {
			t.Errorf("request %d has a form of its own", i)
		}
		if i < 3 {
			sum += int64(len(f.body))
		}
	}
	if got := d.grown.Load(); got != sum {
		t.Errorf("%d bytes are counted, want %d", got, sum)
	}
}

func TestTheCacheCountsFormsThatAreMadeLater(t *testing.T) {
	s := newSite(t, newFake(), func(o *Options) { o.CacheBytes = 100 << 10 })
	for i := range 30 {
		for _, c := range []string{"", "gzip", "br", "zstd"} {
			wantStatus(t, get(s, fmt.Sprintf("/entry/plain%02d/", i), "Accept-Encoding", c), http.StatusOK)
		}
		var sum int64
		for _, el := range s.cache.by {
			sum += el.Value.(*kept).doc.size()
		}
		if sum != s.cache.bytes || sum > s.cache.max || len(s.cache.by) < min(i, 2) {
			t.Fatalf("%d documents, %d bytes counted, %d there", len(s.cache.by), s.cache.bytes, sum)
		}
	}
	d := s.cache.order.Front().Value.(*kept).doc
	if d.grown.Load() == 0 {
		t.Error("the last document was not compressed")
	}
}

// BenchmarkCompress is what a coding costs for a feed of real entries, once.
func BenchmarkCompress(b *testing.B) {
	doc := realFeed(b, feeds.AtomType, 60)
	for i := range codings {
		b.Run(codings[i].name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			n := 0
			for b.Loop() {
				n = len(codings[i].compress(doc))
			}
			b.ReportMetric(float64(n)/1000, "KB")
			b.ReportMetric(float64(len(doc))/1000, "KB-plain")
		})
	}
}
