package site

import (
	"context"

	"orrery/feeds"
)

// named is a Reader whose entries name people as the planet does: whatever is shown
// comes through it.
type named struct {
	Reader
	authors feeds.Authors
}

func (n named) Entries(ctx context.Context, q feeds.Query) ([]feeds.Entry, error) {
	list, err := n.Reader.Entries(ctx, q)
	for i := range list {
		n.authors.Entry(&list[i])
	}
	return list, err
}
