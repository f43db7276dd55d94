package tlsconf

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// maxFile bounds a certificate or key file, in bytes. Real ones have a few
// thousand; a wrong path must not fill the memory.
const maxFile = 1 << 20

// maxSkew is how far in the future a certificate's first moment may lie: other
// machines' clocks run a little ahead of ours.
const maxSkew = 5 * time.Minute

var (
	errNotRegular  = errors.New("not a regular file")
	errTooLarge    = fmt.Errorf("larger than %d bytes", maxFile)
	errNoPEM       = errors.New("no PEM block of type CERTIFICATE")
	errCutShort    = errors.New("a PEM block is cut short or damaged")
	errExpired     = errors.New("the certificate has expired")
	errNotYetValid = errors.New("the certificate is not valid yet")
)

// FileError tells which file of which certificate block can't be used, why,
// and how to mend that. Its text never holds a file's contents.
type FileError struct {
	Name string // the block's label
	File string // the path as configured
	Err  error
	Mend string // what the administrator can do
}

// Error returns one line with everything in it.
func (e *FileError) Error() string {
	return fmt.Sprintf("certificate %q: %s: %v: %s", e.Name, e.File, e.Err, e.Mend)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// content is what the two files of a block hold at one moment.
type content struct {
	cert, key []byte
	exposed   bool // the key may be read by every user of the machine
}

// sum identifies the content.
func (c *content) sum() [32]byte {
	cert, key := sha256.Sum256(c.cert), sha256.Sum256(c.key)
	return sha256.Sum256(append(cert[:], key[:]...))
}

// load reads and checks a block's pair. Its error is a *FileError.
func load(f Files, now time.Time) (*pair, error) {
	c, err := read(f)
	if err != nil {
		return nil, err
	}
	return parse(f, c, now)
}

// read reads both files of a block. Its error is a *FileError.
func read(f Files) (*content, error) {
	cert, _, err := readFile(f.CertFile)
	if err != nil {
		return nil, unreadable(f.Name, f.CertFile, err)
	}
	key, mode, err := readFile(f.KeyFile)
	if err != nil {
		return nil, unreadable(f.Name, f.KeyFile, err)
	}
	return &content{cert: cert, key: key, exposed: mode.Perm()&0o004 != 0}, nil
}

// readFile reads a whole file of at most maxFile bytes.
func readFile(path string) ([]byte, fs.FileMode, error) {
	// Asked before the file is opened, as opening a named pipe would block.
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errNotRegular
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, 0, err
	}
	if len(data) > maxFile {
		return nil, 0, errTooLarge
	}
	return data, info.Mode(), nil
}

// unreadable explains why a file could not be read.
func unreadable(name, file string, err error) *FileError {
	mend := "name the PEM file itself"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		mend = "put the file there or correct the path"
	case errors.Is(err, fs.ErrPermission):
		mend = "let the user that popgate runs as read the file and enter its folders"
	}
	// The path is in the FileError already.
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return &FileError{Name: name, File: file, Err: err, Mend: mend}
}

// parse checks that the content is a usable pair. Its error is a *FileError.
func parse(f Files, c *content, now time.Time) (*pair, error) {
	if err := checkChain(c.cert); err != nil {
		return nil, &FileError{Name: f.Name, File: f.CertFile, Err: err,
			Mend: "it must hold the server's certificate and then its issuers', in PEM form"}
	}
	cert, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, &FileError{Name: f.Name, File: f.KeyFile, Err: err,
			Mend: fmt.Sprintf("it must hold the private key, in PEM form and not encrypted, of the first certificate in %s", f.CertFile)}
	}
	if err := checkTime(cert.Leaf, now); err != nil {
		return nil, &FileError{Name: f.Name, File: f.CertFile, Err: err,
			Mend: fmt.Sprintf("it is valid from %s to %s: renew it, or set this machine's clock",
				cert.Leaf.NotBefore.UTC().Format(time.RFC3339), cert.Leaf.NotAfter.UTC().Format(time.RFC3339))}
	}
	p := newPair(cert)
	p.sum, p.exposed = c.sum(), c.exposed
	return p, nil
}

// checkChain checks that every certificate in a file parses, not just the
// first: a file that is being written in place can end after any byte.
func checkChain(data []byte) error {
	found := false
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return err
		}
		found = true
	}
	if bytes.Contains(data, []byte("-----BEGIN")) {
		return errCutShort
	}
	if !found {
		return errNoPEM
	}
	return nil
}

// checkTime checks that a certificate is valid now.
func checkTime(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return errExpired
	case now.Add(maxSkew).Before(leaf.NotBefore):
		return errNotYetValid
	}
	return nil
}
