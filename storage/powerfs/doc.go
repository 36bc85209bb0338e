// Package powerfs is a tool for tests: a folder whose power can be cut. All that
// is written to it is seen by readers at once, as on any file system, but only what
// was synced is sure to be on the disk when the power goes.
//
// It is a FUSE file system on github.com/hanwen/go-fuse, because a FUSE server sees
// what the program really asks of the kernel, and in which order, with the program
// and its engine unchanged. A hook in the engine's VFS would be a different build of
// it, and a block device (dm-log-writes, dm-flakey) wants kernel modules that few
// machines and hardly any container have. go-fuse is pure Go, well kept, and needs
// neither cgo nor libfuse; where the process is root it needs not even fusermount.
//
// The files live in memory. The disk is modelled thus:
//
//   - A page (4096 bytes) that was written since the last fsync of its file may or
//     may not have reached the disk, each for itself, in any of the states that it
//     had since then, and it may be torn between two of them at a sector (512 bytes).
//   - So may the file's size. What of a file was not written reads as zeros.
//   - Names (create, rename, unlink) reach the disk in order, so that any first part
//     of those that wait may be there. An fsync of the folder makes all of them sure;
//     one of a file makes its own creation sure, as on ext4, and what came before it.
//   - What is mapped into memory (SQLite's -shm) is written when the kernel likes.
//
// The program that uses the folder must be another process than the one that mounts
// it, if it maps files: a goroutine that waits for a page of a mapping cannot be
// stopped, so the collector would wait for it and the server for the collector.
package powerfs
