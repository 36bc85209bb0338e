package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"time"
)

// listingRacy is how close to a visit a file may have been written for its
// times to prove nothing: a second write could have left the same time stamp.
// Such a file is read again at the next visit, as git does.
const listingRacy = 2 * time.Second

// A listing is a folder's memory of its files between visits (markdown.md 8).
type listing struct {
	// Reader names everything that decides how a post is read. When it differs,
	// every file is read anew.
	Reader string        `json:"reader"`
	Files  []listingFile `json:"files"` // by path
}

// A listingFile is what is known of one file without reading it.
type listingFile struct {
	Path  string `json:"p"`
	Size  int64  `json:"s"`
	MTime int64  `json:"m"` // nanoseconds
	Inode uint64 `json:"i,omitempty"`
	// Again: the file must be read at the next visit whatever its times say.
	Again bool `json:"r,omitempty"`
	// GUID is the post's; "" while it is a draft, expired, dated in the future,
	// or could not be read and never was.
	GUID string `json:"g,omitempty"`
	// Shadowed: a file before this one has the same GUID, so this one is left out.
	Shadowed bool `json:"d,omitempty"`
	// Wake is when the post appears or expires by itself, in Unix nanoseconds; 0: never.
	Wake    int64  `json:"w,omitempty"`
	Problem string `json:"x,omitempty"` // a sentence, told at every visit while it lasts
}

// listingDecode reads a stored listing. One that cannot be read is an empty
// one: everything is read anew.
func listingDecode(data []byte) listing {
	var l listing
	if len(data) > 0 && json.Unmarshal(data, &l) != nil {
		return listing{}
	}
	return l
}

// encode returns the stored form and its hash.
func (l *listing) encode() (data []byte, etag string, err error) {
	data, err = json.Marshal(l)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(data)
	return data, hex.EncodeToString(sum[:16]), nil
}

// byPath finds the files of a listing.
func (l *listing) byPath() map[string]*listingFile {
	m := make(map[string]*listingFile, len(l.Files))
	for i := range l.Files {
		m[l.Files[i].Path] = &l.Files[i]
	}
	return m
}

// published are the GUIDs that the folder's entries have.
func (l *listing) published() map[string]bool {
	m := make(map[string]bool, len(l.Files))
	for i := range l.Files {
		if f := &l.Files[i]; f.GUID != "" && !f.Shadowed {
			m[f.GUID] = true
		}
	}
	return m
}

// stat takes over what the file system says.
func (f *listingFile) stat(info fs.FileInfo, now time.Time) {
	f.Size, f.MTime, f.Inode = info.Size(), info.ModTime().UnixNano(), listingInode(info)
	f.Again = now.Sub(info.ModTime()).Abs() < listingRacy
}

// unchanged says that the file need not be read.
func (f *listingFile) unchanged(info fs.FileInfo, now time.Time) bool {
	return !f.Again && f.Size == info.Size() && f.MTime == info.ModTime().UnixNano() &&
		f.Inode == listingInode(info) && (f.Wake == 0 || now.UnixNano() < f.Wake)
}
