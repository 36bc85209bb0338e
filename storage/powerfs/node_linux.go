package powerfs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// folderNode is the folder for the kernel.
type folderNode struct {
	fs.Inode
	disk *disk
}

var _ interface {
	fs.NodeLookuper
	fs.NodeCreater
	fs.NodeUnlinker
	fs.NodeRenamer
	fs.NodeReaddirer
	fs.NodeFsyncer
} = (*folderNode)(nil)

func (n *folderNode) child(ctx context.Context, f *file, out *fuse.EntryOut) *fs.Inode {
	fill(&out.Attr, n.disk, f)
	return n.NewInode(ctx, &fileNode{disk: n.disk, file: f}, fs.StableAttr{Mode: syscall.S_IFREG, Ino: f.inode})
}

func (n *folderNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	f := n.disk.find(name)
	if f == nil {
		return nil, syscall.ENOENT
	}
	return n.child(ctx, f, out), fs.OK
}

func (n *folderNode) Create(ctx context.Context, name string, flags, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	f, no := n.disk.create(name)
	if no == syscall.EEXIST && flags&syscall.O_EXCL == 0 {
		no = fs.OK
		if flags&syscall.O_TRUNC != 0 {
			no = n.disk.resize(f, 0)
		}
	}
	if no != fs.OK {
		return nil, nil, 0, no
	}
	return n.child(ctx, f, out), nil, fuse.FOPEN_KEEP_CACHE, fs.OK
}

func (n *folderNode) Unlink(_ context.Context, name string) syscall.Errno {
	return n.disk.rename(name, "")
}

func (n *folderNode) Rename(_ context.Context, name string, _ fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	if flags != 0 {
		return syscall.EINVAL
	}
	return n.disk.rename(name, to)
}

func (n *folderNode) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	var list []fuse.DirEntry
	for _, name := range n.disk.names() {
		list = append(list, fuse.DirEntry{Name: name, Mode: syscall.S_IFREG})
	}
	return fs.NewListDirStream(list), fs.OK
}

func (n *folderNode) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.disk.syncFolder()
}

// fileNode is a file for the kernel. There are no handles: all that is known of an
// open file is the file.
type fileNode struct {
	fs.Inode
	disk *disk
	file *file
}

var _ interface {
	fs.NodeOpener
	fs.NodeGetattrer
	fs.NodeSetattrer
	fs.NodeReader
	fs.NodeWriter
	fs.NodeFsyncer
} = (*fileNode)(nil)

// fill gives no times: if they moved, the kernel would throw away what it has of the
// file, mappings and all.
func fill(a *fuse.Attr, d *disk, f *file) {
	a.Mode, a.Nlink, a.Ino = syscall.S_IFREG|0o600, 1, f.inode
	a.Size = uint64(d.size(f))
}

// Open keeps the kernel's pages. Shared mappings need them: with direct IO there are
// none. There is no write-back cache, so that every write is known when it is made.
func (n *fileNode) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_TRUNC != 0 {
		return nil, fuse.FOPEN_KEEP_CACHE, n.disk.resize(n.file, 0)
	}
	return nil, fuse.FOPEN_KEEP_CACHE, fs.OK
}

func (n *fileNode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	fill(&out.Attr, n.disk, n.file)
	return fs.OK
}

// Setattr takes modes, owners and times and forgets them.
func (n *fileNode) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if no := n.disk.resize(n.file, int(size)); no != fs.OK {
			return no
		}
	}
	fill(&out.Attr, n.disk, n.file)
	return fs.OK
}

func (n *fileNode) Read(_ context.Context, _ fs.FileHandle, into []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(into[:n.disk.read(n.file, into, int(at))]), fs.OK
}

func (n *fileNode) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	return uint32(len(data)), n.disk.write(n.file, data, int(at))
}

func (n *fileNode) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.disk.syncFile(n.file)
}
