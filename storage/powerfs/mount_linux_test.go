package powerfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func mounted(t *testing.T, files map[string][]byte) (fs *FS, folder string) {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	folder = t.TempDir()
	fs, err := Mount(folder, files)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true" && os.Geteuid() == 0:
		t.Fatal(err)
	default:
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := fs.Unmount(); err != nil {
			t.Error(err)
		}
		if mounts, err := os.ReadFile("/proc/self/mounts"); err != nil || strings.Contains(string(mounts), folder) {
			t.Errorf("it is mounted still: %v", err)
		}
	})
	return fs, folder
}

// must fails the test if one of the steps failed.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestMountedFolderIsLikeAnyOther(t *testing.T) {
	fs, folder := mounted(t, map[string][]byte{"old": []byte("was here")})
	in := func(name string) string { return filepath.Join(folder, name) }
	reads := func(name, want string) {
		t.Helper()
		if got, err := os.ReadFile(in(name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
	reads("old", "was here")
	long := strings.Repeat("0123456789", 50_000)
	must(t, os.WriteFile(in("a"), []byte(long), 0o600))
	reads("a", long)
	must(t, os.Truncate(in("a"), 3))
	reads("a", "012")
	must(t, os.Truncate(in("a"), 4))
	reads("a", "012\x00")
	must(t, os.WriteFile(in("a"), []byte("x"), 0o600))
	f, err := os.OpenFile(in("a"), os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString("yz")
	must(t, err, f.Close())
	reads("a", "xyz")
	must(t, os.Rename(in("a"), in("old")))
	reads("old", "xyz")
	if _, err := os.OpenFile(in("old"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); !errors.Is(err, os.ErrExist) {
		t.Errorf("error %v", err)
	}
	must(t, os.WriteFile(in("b"), nil, 0o600))
	list, err := os.ReadDir(folder)
	if err != nil || len(list) != 2 || list[0].Name() != "b" || list[1].Name() != "old" {
		t.Errorf("the folder holds %v, %v", list, err)
	}
	if i, err := os.Stat(in("old")); err != nil || i.Size() != 3 || !i.Mode().IsRegular() {
		t.Errorf("%v, %v", i, err)
	}
	must(t, os.Remove(in("old")))
	if _, err := os.Stat(in("old")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if seen := fs.Seen(); len(seen) != 1 || seen["b"] == nil && len(seen["b"]) != 0 {
		t.Errorf("seen %v", seen)
	}
}

func TestSyncsOfProgramsReachTheDisk(t *testing.T) {
	fs, folder := mounted(t, nil)
	path := filepath.Join(folder, "f")
	lost := func(want string) (n int) {
		for seed := range uint64(100) {
			if data, ok := fs.Cut(seed).Disk["f"]; !ok || !bytes.Equal(data, []byte(want)) {
				n++
			}
		}
		return n
	}
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("one")
	must(t, err)
	if n := lost("one"); n < 20 || n == 100 {
		t.Errorf("before fsync it was lost in %d of 100 cuts", n)
	}
	must(t, f.Sync())
	if n := lost("one"); n > 0 {
		t.Errorf("after fsync it was lost in %d of 100 cuts", n)
	}
	_, err = f.WriteAt([]byte("two"), 0)
	must(t, err, unix.Fdatasync(int(f.Fd())))
	if n := lost("two"); n > 0 {
		t.Errorf("after fdatasync it was lost in %d of 100 cuts", n)
	}
	must(t, os.Rename(path, path+"2"))
	if n := lost("two"); n == 0 || n == 100 {
		t.Errorf("the rename happened in %d of 100 cuts", n)
	}
	d, err := os.Open(folder)
	must(t, err, d.Sync(), d.Close())
	if n := lost("two"); n != 100 {
		t.Errorf("after fsync of the folder, the rename happened in %d of 100 cuts", n)
	}
	fs.Refuse(syscall.EROFS)
	if _, err := f.WriteAt([]byte("three"), 0); !errors.Is(err, syscall.EROFS) {
		t.Errorf("error %v", err)
	}
}

// Or a child that outlives the test waits for ever for an answer that nobody gives.
func TestDeviceIsNotLeftToChildren(t *testing.T) {
	mounted(t, nil)
	list, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	held := 0
	for _, e := range list {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err != nil || to != device {
			continue
		}
		held++
		info, err := os.ReadFile("/proc/self/fdinfo/" + e.Name())
		must(t, err)
		// O_CLOEXEC is 02000000, in octal as it stands there.
		i := slices.IndexFunc(strings.Split(string(info), "\n"), func(l string) bool { return strings.HasPrefix(l, "flags:") })
		if flags := strings.Fields(strings.Split(string(info), "\n")[i])[1]; len(flags) < 7 || (flags[len(flags)-7]-'0')&2 == 0 {
			t.Errorf("children would inherit the device: %s", flags)
		}
	}
	if held == 0 {
		t.Error("nobody holds the device; the test looks in the wrong place")
	}
}
