package powerfs

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// made creates the file and writes to it.
func made(d *disk, name string, data string) *file {
	f, _ := d.create(name)
	d.write(f, []byte(data), 0)
	return f
}

// outcomes are all that the disk might hold, in so many cuts, each as text.
func outcomes(d *disk) []string {
	seen := map[string]bool{}
	for seed := range uint64(500) {
		files := d.draw(seed).Disk
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintf(&b, "%s=%s ", name, brief(files[name]))
		}
		seen[strings.TrimSpace(b.String())] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// brief is the data with one letter for many that are the same, and 0 for a zero.
func brief(data []byte) string {
	return string(slices.Compact(bytes.ReplaceAll(data, []byte{0}, []byte{'0'})))
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func pages(letters string) string {
	var b strings.Builder
	for _, l := range letters {
		b.WriteString(strings.Repeat(string(l), pageSize))
	}
	return b.String()
}

func TestWhatWasSyncedIsThereAfterEveryCut(t *testing.T) {
	d := newDisk(map[string][]byte{"old": []byte("o")})
	f := made(d, "new", pages("ab"))
	d.syncFile(f)
	same(t, "disk", outcomes(d), []string{"new=ab old=o"})
	d.write(f, []byte("cd"), pageSize-1)
	d.resize(f, pageSize+1)
	d.rename("old", "moved")
	d.syncFile(f)
	d.syncFolder()
	same(t, "disk", outcomes(d), []string{"moved=o new=acd"})
	d.rename("new", "")
	d.syncFolder()
	same(t, "disk", outcomes(d), []string{"moved=o"})
}

func TestPagesThatWereNotSyncedAreThereOrNotEachForItself(t *testing.T) {
	d := newDisk(map[string][]byte{"f": []byte(pages("ab"))})
	f := d.find("f")
	d.write(f, []byte(pages("xy")), 0)
	got := outcomes(d)
	for _, want := range []string{"f=ab", "f=xb", "f=ay", "f=xy"} {
		if !slices.Contains(got, want) {
			t.Errorf("the disk never holds %s: %q", want, got)
		}
	}
	// Torn ones begin as they are and end as they were.
	for _, want := range []string{"f=xab", "f=xay", "f=xyb"} {
		if !slices.Contains(got, want) {
			t.Errorf("the disk never holds %s: %q", want, got)
		}
	}
	torn := bytes.Count(d.draw(7).Disk["f"], []byte("x"))
	if torn%sectorSize != 0 {
		t.Errorf("torn after %d bytes", torn)
	}
	if len(got) > 9 { // a, x and xa by b, y and yb
		t.Errorf("the disk holds %q", got)
	}
}

func TestPageIsOnTheDiskInAnyStateItHad(t *testing.T) {
	d := newDisk(map[string][]byte{"f": []byte("a")})
	f := d.find("f")
	for _, s := range []string{"b", "c", "d"} {
		d.write(f, []byte(s), 0)
	}
	same(t, "disk", outcomes(d), []string{"f=a", "f=b", "f=c", "f=d"})
}

func TestSizeThatWasNotSyncedIsOneItHad(t *testing.T) {
	d := newDisk(map[string][]byte{"f": []byte("a")})
	f := d.find("f")
	d.write(f, []byte("bc"), 1)
	got := outcomes(d)
	for _, want := range []string{"f=a", "f=a0", "f=abc"} { // unwritten: zeros
		if !slices.Contains(got, want) {
			t.Errorf("the disk never holds %s: %q", want, got)
		}
	}
	d.syncFile(f)
	d.resize(f, 1)
	if got := outcomes(d); !slices.Contains(got, "f=a") || !slices.Contains(got, "f=abc") {
		t.Errorf("truncated: the disk holds %q", got)
	}
}

func TestNamesReachTheDiskInOrder(t *testing.T) {
	d := newDisk(map[string][]byte{"a": []byte("1"), "b": []byte("2")})
	d.rename("a", "c")
	d.rename("b", "c")
	d.create("d")
	same(t, "seen", slices.Sorted(maps.Keys(d.see())), []string{"c", "d"})
	same(t, "disk", outcomes(d), []string{"a=1 b=2", "b=2 c=1", "c=2", "c=2 d="})
	d.syncFolder()
	same(t, "disk, synced", outcomes(d), []string{"c=2 d="})
}

func TestFileThatIsSyncedHasItsNameAndWhatCameBefore(t *testing.T) {
	d := newDisk(map[string][]byte{"log": []byte("1")})
	d.rename("log", "")
	f := made(d, "log", "2")
	d.create("later")
	d.syncFile(f)
	same(t, "disk", outcomes(d), []string{"later= log=2", "log=2"})
	d.syncFile(f) // it has its name already
	same(t, "disk", outcomes(d), []string{"later= log=2", "log=2"})
}

func TestUnlinkedFileThatComesBackHasWhatItHad(t *testing.T) {
	d := newDisk(map[string][]byte{"f": []byte("1")})
	f := d.find("f")
	d.rename("f", "")
	d.write(f, []byte("2"), 0) // by who still has it open
	same(t, "disk", outcomes(d), []string{"", "f=1", "f=2"})
}

func TestSeedDecides(t *testing.T) {
	d := newDisk(nil)
	for i := range 20 {
		made(d, fmt.Sprint(i), pages("abc"))
	}
	for seed := range uint64(20) {
		if a, b := d.draw(seed), d.draw(seed); !maps.EqualFunc(a.Disk, b.Disk, bytes.Equal) {
			t.Fatalf("seed %d leaves two different disks", seed)
		}
	}
}

func TestCutComesBeforeTheChangeItWasPlannedFor(t *testing.T) {
	d := newDisk(nil)
	c := &plannedCut{left: 3, taken: make(chan Snapshot, 1)}
	d.cuts = append(d.cuts, c)
	f := made(d, "f", "1")
	if len(c.taken) > 0 {
		t.Fatal("cut too early")
	}
	d.write(f, []byte("2"), 0)
	if s := <-c.taken; string(s.Seen["f"]) != "1" {
		t.Errorf("programs saw %q", s.Seen["f"])
	}
	d.write(f, []byte("3"), 0) // one that was taken is over
}

func TestDiskThatRefusesIsNotChanged(t *testing.T) {
	d := newDisk(map[string][]byte{"f": []byte("1")})
	f := d.find("f")
	d.refusal = syscall.EROFS
	_, created := d.create("g")
	for i, err := range []syscall.Errno{created, d.write(f, []byte("2"), 0), d.resize(f, 0), d.rename("f", "g"), d.rename("f", ""), d.syncFile(f), d.syncFolder()} {
		if err != syscall.EROFS {
			t.Errorf("change %d: %v", i, err)
		}
	}
	same(t, "disk", outcomes(d), []string{"f=1"})
	d.refusal = 0
	if err := d.rename("f", ""); err != 0 {
		t.Error(err)
	}
}
