package site

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"unicode"

	"orrery/feeds"
)

// A face is the picture of a source, or where it has none, its initials. Nobody else is
// asked for one: that would tell them who reads what.
type face struct {
	Image    string // "" for none
	Initials string
	Hue      int // which of faceHues colours
}

const faceHues = 8

func (s *Site) face(x *feeds.Source) *face {
	h := fnv.New32a()
	_, _ = h.Write([]byte(x.Slug)) // never fails
	return &face{Image: s.faces[x.Slug], Initials: initials(x.Name()), Hue: int(h.Sum32() % faceHues)}
}

// initials are the first letters of the first two words, in capitals.
func initials(name string) string {
	var b strings.Builder
	n := 0
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
		r := []rune(word)[0]
		b.WriteRune(unicode.ToUpper(r))
		if n++; n == 2 || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			break
		}
	}
	if n == 0 {
		return "·"
	}
	return b.String()
}

// maxFace is the size of the largest picture of a source, in bytes.
const maxFace = 256 << 10

// CheckFace says what keeps the bytes of a file from being the picture of a source.
func CheckFace(body []byte) error {
	_, err := faceType(body)
	return err
}

// faceType is the extension of a picture's file by what is in it: what it is called is
// no reason to serve it.
func faceType(body []byte) (string, error) {
	if len(body) > maxFace {
		return "", fmt.Errorf("the picture has %d KiB; %d are enough", len(body)>>10, maxFace>>10)
	}
	switch typ, _, _ := strings.Cut(http.DetectContentType(body), ";"); typ {
	case "image/png":
		return ".png", nil
	case "image/jpeg":
		return ".jpg", nil
	case "image/gif":
		return ".gif", nil
	case "image/webp":
		return ".webp", nil
	}
	if bytes.Contains(body[:min(len(body), 1<<10)], []byte("<svg")) {
		return ".svg", nil // shown as an image it runs nothing, and by itself in a sandbox
	}
	return "", errors.New("it is no picture that browsers show; take PNG, JPEG, GIF, WebP or SVG")
}
