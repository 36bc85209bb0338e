package site

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// syncEach: one syncfs for the whole tree is far cheaper than a sync a file.
const syncEach = false

func syncTree(d *os.File) error { return unix.Syncfs(int(d.Fd())) }

// exchange swaps the names a and b in the folder d at once. It is unsupported
// by old kernels and some file systems.
func exchange(d *os.File, a, b string) error {
	fd := int(d.Fd())
	err := unix.Renameat2(fd, a, fd, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return errors.ErrUnsupported
	}
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("a file system is mounted on %s, so it cannot be replaced; name a folder inside it", b)
	}
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return nil
}

// lock takes the lock on f without waiting, until f is closed or the process
// ends. It says whether it could.
func lock(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
