package fetch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A disk that is not there, or a checkout that failed, is no wish of the owner's.
func TestFolderThatIsSuddenlyEmptyKeepsItsPosts(t *testing.T) {
	b := newFolderBench(t)
	for i := range folderFull {
		b.write(fmt.Sprintf("%d.md", i), titled(fmt.Sprint("post ", i)))
	}
	b.visit()
	for i := range folderFull {
		b.rename(fmt.Sprintf("%d.md", i), fmt.Sprintf("%d.away", i))
	}
	_, err := b.folder.Fetch(context.Background(), b.source, b.memory)
	if want := fmt.Sprintf("it had %d posts and has none", folderFull); !errors.Is(err, errEmptied) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	for i := range folderFull {
		b.rename(fmt.Sprintf("%d.away", i), fmt.Sprintf("%d.md", i))
	}
	b.want("back again", nil, nil, 0)
	for i := range folderFull - 1 { // one by one the owner is believed
		b.remove(fmt.Sprintf("%d.md", i))
	}
	if r := b.visit(); len(r.Withdrawn) != folderFull-1 {
		t.Errorf("withdrawn: %q", r.Withdrawn)
	}
	b.remove(fmt.Sprintf("%d.md", folderFull-1))
	if r := b.visit(); len(r.Withdrawn) != 1 {
		t.Errorf("withdrawn at last: %q", r.Withdrawn)
	}
}
