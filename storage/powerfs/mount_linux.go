package powerfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

const device = "/dev/fuse"

// Supported says why there can be no such folder here; nil: there should be one.
func Supported() error {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("there is no FUSE here: %w", err)
	}
	f.Close()
	if os.Geteuid() != 0 && fusermount() == "" {
		return errors.New("to mount needs root, or fusermount")
	}
	return nil
}

func fusermount() string {
	for _, name := range []string{"fusermount3", "fusermount"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// FS is a mounted folder.
type FS struct {
	disk   *disk
	folder string
	server *fuse.Server
}

// Mount mounts a folder that has the files, on an empty one. Unmount must be called.
func Mount(folder string, files map[string][]byte) (*FS, error) {
	d := newDisk(files)
	// Nobody but the kernel changes anything, so what it remembers stays true.
	forever := 24 * time.Hour
	server, err := fs.Mount(folder, &folderNode{disk: d}, &fs.Options{
		MountOptions: fuse.MountOptions{
			FsName: "powerfs", Name: "powerfs",
			DirectMount: true, DisableXAttrs: true, ExplicitDataCacheControl: true,
		},
		EntryTimeout: &forever, AttrTimeout: &forever,
		UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()),
	})
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", folder, err)
	}
	closeOnExec()
	return &FS{d, folder, server}, nil
}

// closeOnExec keeps the device from children, which go-fuse does not where it mounts
// by itself: a child that holds it would wait for an answer for ever after we died.
func closeOnExec() {
	open, _ := os.ReadDir("/proc/self/fd") //nolint:errcheck // without /proc they inherit it
	for _, e := range open {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err != nil || to != device {
			continue
		}
		if n, err := strconv.Atoi(e.Name()); err == nil {
			syscall.CloseOnExec(n)
		}
	}
}

// Cut is what the power's going now would leave. The same seed and the same state
// give the same.
func (f *FS) Cut(seed uint64) Snapshot {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.draw(seed)
}

// CutBefore is Cut just before the n-th change (write, truncation, sync, or change of
// a name) from now on, whoever makes it.
func (f *FS) CutBefore(n int, seed uint64) <-chan Snapshot {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	c := &plannedCut{n, seed, make(chan Snapshot, 1)}
	f.disk.cuts = append(f.disk.cuts, c)
	return c.taken
}

// Refuse answers every change (as CutBefore counts them) with the error from now on,
// as a kernel does that has found the disk broken (EIO) and then takes it for read-only
// (EROFS); 0: no more. A real file system cannot be made read-only under those who write.
func (f *FS) Refuse(answer syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.refusal = answer
}

// Seen is what programs read now.
func (f *FS) Seen() map[string][]byte {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.see()
}

// Unmount takes the folder away, though it is in use, and returns when the last who
// uses it has closed his files.
func (f *FS) Unmount() error {
	err := syscall.Unmount(f.folder, syscall.MNT_DETACH)
	if errors.Is(err, syscall.EPERM) {
		err = exec.Command(fusermount(), "-u", "-z", f.folder).Run()
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", f.folder, err)
	}
	f.server.Wait()
	return nil
}
