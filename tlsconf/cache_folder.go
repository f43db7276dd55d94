package tlsconf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Folder is a Cache on disk: one file an entry, mode 0600, in a folder of mode
// 0700. A file is replaced by renaming, so that it is whole at any moment.
type Folder struct{ path string }

// The directories that have a short name.
const (
	LetsEncrypt        = "https://acme-v02.api.letsencrypt.org/directory"
	LetsEncryptStaging = "https://acme-staging-v02.api.letsencrypt.org/directory"
)

// NewFolder returns the cache for one CA within the folder root. Each CA has a
// folder of its own: a certificate of a staging CA must never be served because
// the directory was changed afterwards. Nothing is made or changed on disk.
func NewFolder(root, directory string) *Folder {
	return &Folder{path: filepath.Join(root, folderName(directory))}
}

// folderName is a name for a CA's folder that a person recognizes and that no
// two CAs share.
func folderName(directory string) string {
	switch directory {
	case LetsEncrypt:
		return "letsencrypt"
	case LetsEncryptStaging:
		return "letsencrypt-staging"
	}
	host := "ca"
	if u, err := url.Parse(directory); err == nil && validHost(lower(u.Hostname())) {
		host = lower(u.Hostname())
	} else if err == nil && isAddress(u.Hostname()) {
		host = strings.ReplaceAll(u.Hostname(), ":", "-")
	}
	sum := sha256.Sum256([]byte(directory))
	return host + "-" + hex.EncodeToString(sum[:4])
}

// Path is where the entries are.
func (f *Folder) Path() string { return f.path }

// ExposedError is a cache whose private keys other users of the machine can
// read.
type ExposedError struct {
	Path string // of the file or folder
	Mode fs.FileMode
	Root string // what to mend as a whole
}

// Error says what to do.
func (e *ExposedError) Error() string {
	return fmt.Sprintf("certificate cache: %s has mode %04o, so that others can read private keys: chmod -R go= %s",
		e.Path, e.Mode.Perm(), e.Root)
}

// Check looks for keys that other users of the machine can read, and returns an
// *ExposedError. A folder that isn't there yet is fine. A group that can read
// them is not refused, as volumes of Kubernetes with an fsGroup come like that:
// see [Folder.SharedWithGroup].
func (f *Folder) Check() error {
	return f.walk(func(path string, mode fs.FileMode) error {
		if mode.Perm()&0o007 != 0 {
			return &ExposedError{Path: path, Mode: mode, Root: f.path}
		}
		return nil
	})
}

// errShared ends a walk at the first file that a group can read.
var errShared = errors.New("shared with a group")

// SharedWithGroup tells whether the files' group can read private keys.
func (f *Folder) SharedWithGroup() bool {
	return errors.Is(f.walk(func(_ string, mode fs.FileMode) error {
		if mode.Perm()&0o070 != 0 {
			return errShared
		}
		return nil
	}), errShared)
}

// walk shows the folder and its files to see, until that returns an error.
func (f *Folder) walk(see func(path string, mode fs.FileMode) error) error {
	info, err := os.Stat(f.path)
	if err != nil {
		// Not there yet, or out of reach: its use will show.
		return nil
	}
	if err := see(f.path, info.Mode()); err != nil {
		return err
	}
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := see(filepath.Join(f.path, entry.Name()), info.Mode()); err != nil {
			return err
		}
	}
	return nil
}

// file is where an entry is. Keys come from names that were checked and from
// tokens of a CA; what could leave the folder is refused all the same.
func (f *Folder) file(key string) (string, error) {
	if key == "" || key[0] == '.' || len(key) > maxKey || strings.ContainsAny(key, "/\\\x00:*?\"<>|") {
		return "", fmt.Errorf("certificate cache: %.80q can't be a key", key)
	}
	return filepath.Join(f.path, key), nil
}

// within does an operation on files, but waits for it no longer than ctx says: on
// a file system whose server is gone it may never end.
func within[T any](ctx context.Context, operation func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := operation()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// Get reads a file.
func (f *Folder) Get(ctx context.Context, key string) ([]byte, error) {
	name, err := f.file(key)
	if err != nil {
		return nil, err
	}
	data, err := within(ctx, func() ([]byte, error) {
		data, _, err := readFile(name)
		return data, err
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, ErrNoEntry
	}
	if errors.Is(err, errNotRegular) || errors.Is(err, errTooLarge) {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate cache: read %s: %w", name, cause(err))
	}
	return data, nil
}

// temporary begins the names of files that are being written.
const temporary = ".new-"

// Put writes a file beside the old one, makes sure of it, and puts it in place.
func (f *Folder) Put(ctx context.Context, key string, data []byte) error {
	name, err := f.file(key)
	if err != nil {
		return err
	}
	if _, err := within(ctx, func() (struct{}, error) { return struct{}{}, f.put(name, data) }); err != nil {
		return fmt.Errorf("certificate cache: write %s: %w", name, cause(err))
	}
	return nil
}

func (f *Folder) put(name string, data []byte) error {
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(f.path, temporary+"*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // in vain once it was renamed
	_, err = file.Write(data)
	if err == nil {
		// A rename can reach the disk before what is in the file does.
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return err
	}
	return syncFolder(f.path)
}

// syncFolder makes sure of the names in a folder. File systems that can't do
// that say so, and have done what they can.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// Delete removes a file.
func (f *Folder) Delete(_ context.Context, key string) error {
	name, err := f.file(key)
	if err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("certificate cache: remove %s: %w", name, cause(err))
	}
	return nil
}

// damaged ends the names of files that were set aside.
const damaged = ".damaged"

// SetAside renames a file. Of each entry one damaged file is kept at most.
func (f *Folder) SetAside(_ context.Context, key string) error {
	name, err := f.file(key)
	if err != nil {
		return err
	}
	if err := os.Rename(name, name+damaged); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("certificate cache: set %s aside: %w", name, cause(err))
	}
	return nil
}

// leftOver is how old a file is that nobody can be writing, or a token that no
// CA can be asking for.
const leftOver = 24 * time.Hour

// Sweep removes what a process that was killed has left behind.
func (f *Folder) Sweep(now time.Time) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, temporary) && !strings.HasSuffix(name, tokenSuffix) {
			continue
		}
		if info, err := entry.Info(); err == nil && now.Sub(info.ModTime()) > leftOver {
			_ = os.Remove(filepath.Join(f.path, name))
		}
	}
}

// cause is an error of a file without the path, which the text around names.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
