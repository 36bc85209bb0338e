package powerfs

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// disk is one folder: as programs see it, and as it is kept without power.
type disk struct {
	mu      sync.Mutex
	seen    map[string]*file
	kept    map[string]*file // names that are sure
	pending []change         // of names, since then, in order
	inodes  uint64
	cuts    []*plannedCut
	refusal syscall.Errno // of every change; 0: none
}

// change is something done to names: to alone creates made, from alone unlinks, both
// rename.
type change struct {
	made     *file
	from, to string
}

func (c change) apply(names map[string]*file) {
	f := c.made
	if c.from != "" {
		f = names[c.from]
		delete(names, c.from)
	}
	if c.to != "" {
		names[c.to] = f
	}
}

type plannedCut struct {
	left  int // changes until then
	seed  uint64
	taken chan Snapshot
}

// Snapshot is the folder at one moment.
type Snapshot struct {
	Disk map[string][]byte // what a disk might hold if the power went now
	Seen map[string][]byte // what programs read
}

// newDisk is a disk that has the files and nothing that is not sure.
func newDisk(files map[string][]byte) *disk {
	d := &disk{seen: map[string]*file{}, kept: map[string]*file{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := d.newFile()
		f.seen, f.kept = slices.Clone(files[name]), slices.Clone(files[name])
		d.seen[name], d.kept[name] = f, f
	}
	return d
}

func (d *disk) newFile() *file {
	d.inodes++
	return &file{inode: d.inodes + 1, pages: map[int][][]byte{}} // 1 is the folder
}

// step stands before whatever changes the disk, which may not be done if it is not 0.
// The mutex is held.
func (d *disk) step() syscall.Errno {
	d.cuts = slices.DeleteFunc(d.cuts, func(c *plannedCut) bool {
		c.left--
		if c.left > 0 {
			return false
		}
		c.taken <- d.draw(c.seed)
		return true
	})
	return d.refusal
}

func (d *disk) draw(seed uint64) Snapshot {
	r := rand.New(rand.NewPCG(seed, 0))
	// How much got through: nothing, all, half, or anything between.
	luck := []float64{0, 1, 0.5, r.Float64()}[r.IntN(4)]
	names := maps.Clone(d.kept)
	for _, c := range d.pending[:r.IntN(len(d.pending)+1)] {
		c.apply(names)
	}
	s := Snapshot{Disk: map[string][]byte{}, Seen: d.see()}
	for _, name := range slices.Sorted(maps.Keys(names)) { // so that the seed decides
		s.Disk[name] = names[name].draw(r, luck)
	}
	return s
}

func (d *disk) see() map[string][]byte {
	files := map[string][]byte{}
	for name, f := range d.seen {
		files[name] = slices.Clone(f.seen)
	}
	return files
}

func (d *disk) find(name string) *file {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen[name]
}

func (d *disk) names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.seen))
}

// create gives EEXIST, and the file, if the name is taken.
func (d *disk) create(name string) (*file, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.seen[name]; f != nil {
		return f, syscall.EEXIST
	}
	f := d.newFile()
	return f, d.change(change{made: f, to: name})
}

// rename is an unlink if to is empty.
func (d *disk) rename(from, to string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[from] == nil {
		return syscall.ENOENT
	}
	return d.change(change{from: from, to: to})
}

func (d *disk) change(c change) syscall.Errno {
	if no := d.step(); no != 0 {
		return no
	}
	c.apply(d.seen)
	d.pending = append(d.pending, c)
	return 0
}

func (d *disk) syncFolder() syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if no := d.step(); no != 0 {
		return no
	}
	d.keep(len(d.pending))
	return 0
}

// keep makes the first n changes of names sure.
func (d *disk) keep(n int) {
	for _, c := range d.pending[:n] {
		c.apply(d.kept)
	}
	d.pending = slices.Delete(d.pending, 0, n)
}

func (d *disk) syncFile(f *file) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if no := d.step(); no != 0 {
		return no
	}
	f.sync()
	d.keep(1 + slices.IndexFunc(d.pending, func(c change) bool { return c.made == f }))
	return 0
}

func (d *disk) write(f *file, data []byte, at int) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if no := d.step(); no != 0 {
		return no
	}
	f.write(data, at)
	return 0
}

func (d *disk) resize(f *file, size int) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if no := d.step(); no != 0 {
		return no
	}
	f.resize(size)
	return 0
}

func (d *disk) read(f *file, into []byte, at int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return copy(into, f.seen[min(at, len(f.seen)):])
}

func (d *disk) size(f *file) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(f.seen)
}

// Write puts the files into a folder.
func Write(folder string, files map[string][]byte) error {
	var errs []error
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			errs = append(errs, fmt.Errorf("write a snapshot: %w", err))
		}
	}
	return errors.Join(errs...)
}
