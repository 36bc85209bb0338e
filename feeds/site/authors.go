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

func (n named) Lists(ctx context.Context) ([]feeds.Category, error) {
	list, err := n.Reader.Lists(ctx)
	for i := range list {
		if kind, _ := list[i].List(); kind == feeds.AuthorList {
			list[i].Title = n.authors.Name(list[i].Title)
		}
	}
	return list, err
}
