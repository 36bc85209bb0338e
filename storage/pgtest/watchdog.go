package pgtest

import (
	"fmt"
	"io"
	"os/exec"
)

// script waits for the end of its input, which comes when the test process closes
// it or dies in whatever way. Then it ends everything that has the folder $1 as
// its working directory, and removes the folder.
//
// Not by the numbers in postmaster.pid: one that is left by a killed server may
// mean a stranger by now. Not by Pdeathsig: that would leave the folder.
//
// Before there is a postmaster.opts it can only be initdb, which may take its
// time (5 s): its processes leave shared memory behind when they are ended.
const script = `
read -r nothing
inside() {
	for p in /proc/[0-9]*; do
		if [ "$p/cwd" -ef "$1" ] || [ "$p/cwd" -ef "$1/data" ]; then echo "${p#/proc/}"; fi
	done
}
signal=QUIT tries=0
while pids=$(inside "$1"); [ -n "$pids" ]; do
	tries=$((tries + 1))
	if [ -f "$1/data/postmaster.opts" ] || [ $tries -gt 250 ]; then kill -s $signal $pids; fi
	if [ $tries -gt 500 ]; then signal=KILL; fi
	if [ $tries -gt 1000 ]; then break; fi
	sleep 0.02
done
# A killed server leaves a System V segment, named in line 7: key and number.
if [ -f "$1/data/postmaster.pid" ]; then
	dir=$1
	set -- $(sed -n 7p "$dir/data/postmaster.pid")
	if [ -n "$2" ]; then ipcrm -m "$2"; fi
	set -- "$dir"
fi
exec rm -rf -- "$1"
`

// watchdog is a process that outlives this one for as long as it takes to clean up.
type watchdog struct {
	cmd *exec.Cmd
	in  io.WriteCloser
}

// watch starts the watchdog of a folder: as the server's user, so that it may, in
// a session of its own, so that ^C does not end it too, and with nothing of ours
// open, so that go test does not wait for it.
func watch(s *Server) (*watchdog, error) {
	cmd := s.prepare(exec.Command("/bin/sh", "-c", script, "pgtest", s.dir))
	cmd.Dir = "/" // not in the folder that it clears
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		_ = in.Close()
		return nil, fmt.Errorf("start the watchdog of a PostgreSQL server: %w", err)
	}
	return &watchdog{cmd, in}, nil
}

// close returns when the server and its folder are gone.
func (w *watchdog) close() error {
	if err := w.in.Close(); err != nil {
		return err
	}
	return w.cmd.Wait()
}
