package feeds

import (
	"errors"
	"fmt"
)

// What can be wrong with a document.
var (
	ErrNotFeed   = errors.New("the document is no feed")
	ErrHTML      = errors.New("the document is a web page, not a feed")
	ErrBroken    = errors.New("the feed is broken")
	ErrTooDeep   = fmt.Errorf("the feed's elements are nested deeper than %d", maxDepth)
	ErrTooMany   = fmt.Errorf("the feed has more than %d elements, or more than %d attributes in one", maxTokens, maxAttrs)
	ErrReader    = errors.New("the feed could not be read because of a fault in Orrery")
	ErrLeaseLost = errors.New("the visit took longer than its lease and another process has the source now")
)

// Explain is err as one sentence for a person who runs a planet: what happened,
// and what to do where something can be done.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	switch {
	case errors.Is(err, ErrHTML):
		return "the address answers with a web page, not a feed; look on that page for the address of its feed"
	case errors.Is(err, ErrReader):
		return oneLine(err.Error()) + "; please report it with the address"
	}
	return oneLine(err.Error())
}
