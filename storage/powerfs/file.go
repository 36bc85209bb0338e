package powerfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

const (
	pageSize   = 4096
	sectorSize = 512
	// maxStates is how many states of a page are remembered. Older ones are on no
	// disk any more, or the page would have been thrown out of memory long ago.
	maxStates = 8
)

// file is what programs see of it, what is sure to be on the disk, and all that it
// was in between.
type file struct {
	inode uint64
	seen  []byte
	kept  []byte
	sizes []int            // since the last sync, oldest first
	pages map[int][][]byte // by number: what it held since then, oldest first
}

func (f *file) write(data []byte, at int) {
	if end := at + len(data); end > len(f.seen) {
		f.seen = append(f.seen, make([]byte, end-len(f.seen))...)
		f.sizes = append(f.sizes, end)
	}
	copy(f.seen[at:], data)
	f.note(at, at+len(data))
}

// resize counts as writing zeros, if it makes the file shorter.
func (f *file) resize(size int) {
	old := len(f.seen)
	if size == old {
		return
	}
	if size < old {
		clear(f.seen[size:])
		f.note(size, old)
		f.seen = f.seen[:size]
	} else {
		f.seen = append(f.seen, make([]byte, size-old)...)
	}
	f.sizes = append(f.sizes, size)
}

// note remembers the pages that have the bytes.
func (f *file) note(from, to int) {
	for n := from / pageSize; n*pageSize < to; n++ {
		states := append(f.pages[n], page(f.seen, n))
		if len(states) > maxStates {
			states = slices.Delete(states, 0, 1)
		}
		f.pages[n] = states
	}
}

// page is a copy of the n-th, with zeros behind the end.
func page(data []byte, n int) []byte {
	p := make([]byte, pageSize)
	copy(p, data[min(n*pageSize, len(data)):])
	return p
}

func (f *file) sync() {
	f.kept = resized(f.kept, len(f.seen))
	for n := range f.pages {
		if at := n * pageSize; at < len(f.seen) {
			copy(f.kept[at:], f.seen[at:min(at+pageSize, len(f.seen))])
		}
	}
	f.sizes = nil
	clear(f.pages)
}

func resized(data []byte, size int) []byte {
	if size <= len(data) {
		return data[:size:size]
	}
	return append(data, make([]byte, size-len(data))...)
}

// draw is what the disk might hold of the file. Luck is how likely what was not
// synced got there.
func (f *file) draw(r *rand.Rand, luck float64) []byte {
	size := len(f.kept)
	if len(f.sizes) > 0 && r.Float64() < luck {
		size = f.sizes[late(r, len(f.sizes))]
	}
	out := resized(slices.Clone(f.kept), size)
	for _, n := range slices.Sorted(maps.Keys(f.pages)) {
		states := append([][]byte{page(f.kept, n)}, f.pages[n]...)
		if r.Float64() >= luck {
			continue
		}
		i := 1 + late(r, len(states)-1)
		now := slices.Clone(states[i])
		if r.IntN(8) == 0 { // torn: its end is as it was before
			whole := sectorSize * (1 + r.IntN(pageSize/sectorSize-1))
			copy(now[whole:], states[i-1][whole:])
		}
		if at := n * pageSize; at < size {
			copy(out[at:], now)
		}
	}
	return out
}

// late is one of n, mostly the last.
func late(r *rand.Rand, n int) int {
	if r.IntN(4) > 0 {
		return n - 1
	}
	return r.IntN(n)
}
