package feeds

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a document.
var (
	ErrNotFeed = errors.New("the document is no feed")
	ErrHTML    = errors.New("the document is a web page, not a feed")
	ErrBroken  = errors.New("the feed is broken")
	ErrTooDeep = fmt.Errorf("the feed's elements are nested deeper than %d", maxDepth)
	ErrTooMany = fmt.Errorf("the feed has more than %d elements", maxTokens)
	// Bounds of what XML says beside its elements.
	ErrManyAttributes = fmt.Errorf("an element of the feed has more than %d attributes", maxAttrs)
	ErrManyNamespaces = fmt.Errorf("the feed declares more than %d namespaces", maxNamespaces)

	ErrReader    = errors.New("the feed could not be read because of a fault in Orrery")
	ErrLeaseLost = errors.New("the visit took longer than its lease and another process has the source now")
	// ErrBeside is for whoever claims: in a second it may be otherwise.
	ErrBeside = errors.New("other processes are claiming what is due in the same instant")
)

// pageError is ErrHTML with the title of the page, in words for people.
type pageError struct{ title string }

func (e *pageError) Unwrap() error { return ErrHTML }

// pageTitle is the title of a web page, still HTML.
func pageTitle(text string) string {
	low := lowerASCII(text[:min(len(text), 64<<10)])
	start := strings.Index(low, "<title")
	if start < 0 {
		return ""
	}
	open := strings.IndexByte(low[start:], '>')
	end := strings.Index(low[start:], "</title")
	if open < 0 || end < open {
		return ""
	}
	return text[start+open+1 : start+end]
}

// Error is a sentence that says what to do about the page.
func (e *pageError) Error() string {
	for _, words := range []string{"just a moment", "attention required", "captcha", "access denied", "robot", "security check"} {
		if strings.Contains(strings.ToLower(e.title), words) {
			return fmt.Sprintf("the address answers with a test for browsers (“%s”), not a feed; ask its owner to let feed readers pass", e.title)
		}
	}
	s := "the address answers with a web page"
	if e.title != "" {
		s += fmt.Sprintf(" (“%s”)", short(e.title, 100))
	}
	return s + ", not a feed; look on that page for the address of its feed"
}

// Contain, deferred, makes a panic an ErrReader: a fault of ours costs one source one visit.
func Contain(err *error) {
	if what := recover(); what != nil {
		*err = fmt.Errorf("%w: %v", ErrReader, what)
	}
}

// Explain is err as one sentence for a person who runs a planet: what happened,
// and what to do where something can be done.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	var page *pageError
	switch {
	case errors.Is(err, ErrHTML) && !errors.As(err, &page):
		return (&pageError{}).Error()
	case errors.Is(err, ErrReader):
		return oneLine(err.Error()) + "; please report it with the address"
	}
	return oneLine(err.Error())
}
