package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// account is who runs the server; the zero one is whoever runs the tests.
type account struct{ credential *syscall.Credential }

// unprivileged is somebody else for root, whom PostgreSQL refuses.
func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return account{}, fmt.Errorf("user %s: %w", name, err)
		}
		return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody; run the tests as another user")
}

func (a account) attr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: a.credential}
}

// folder makes one that the account can reach and owns: in memory if there is a
// gigabyte of it, for the tests of several packages run at once.
func (a account) folder() (string, error) {
	places := []string{os.TempDir(), "/tmp", "/var/tmp"}
	var room syscall.Statfs_t
	if syscall.Statfs("/dev/shm", &room) == nil && room.Bavail*uint64(room.Bsize) > 1<<30 {
		places = append([]string{"/dev/shm"}, places...)
	}
	var failures []error
	for _, place := range places {
		dir, err := a.folderIn(place)
		if err == nil {
			return dir, nil
		}
		failures = append(failures, err)
	}
	return "", fmt.Errorf("make a folder for PostgreSQL: %w; set TMPDIR to one that is open to all users", errors.Join(failures...))
}

func (a account) folderIn(place string) (string, error) {
	if a.credential == nil {
		return os.MkdirTemp(place, "pgtest-*")
	}
	// Open for others to enter, all the way, and to remove their own in the last.
	dir, need := place, fs.FileMode(0o003)
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return "", err
		}
		if info.Mode()&need != need {
			return "", fmt.Errorf("%s is closed to other users", dir)
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir, need = filepath.Dir(dir), 0o001
	}
	dir, err := os.MkdirTemp(place, "pgtest-*")
	if err != nil {
		return "", err
	}
	if err := os.Chown(dir, int(a.credential.Uid), int(a.credential.Gid)); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}

// freeze stops a process, and returns when it stands still or is gone.
func freeze(pid int) {
	if syscall.Kill(pid, syscall.SIGSTOP) != nil {
		return
	}
	for {
		state, _, ok := statOf(fmt.Sprintf("/proc/%d/stat", pid))
		if !ok || strings.Contains("TtZX", state) {
			return
		}
		runtime.Gosched()
	}
}

// statOf is the state of a process and its parent.
func statOf(path string) (state, parent string, ok bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", "", false // it has ended
	}
	// proc(5): pid (name) state parent …; the name may have spaces and brackets.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 2 {
		return "", "", false
	}
	return fields[0], fields[1], true
}

// children are the processes that one has started, as far as they run. They are
// no process group: every process of PostgreSQL makes its own.
func children(parent int) []int {
	var list []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, path := range stats {
		if _, of, ok := statOf(path); !ok || of != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// ephemeral is the first port that outgoing connections may be given.
func ephemeral() int {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	fields := strings.Fields(string(b))
	if err != nil || len(fields) != 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[0]) // 0 is: not known
	return n
}
