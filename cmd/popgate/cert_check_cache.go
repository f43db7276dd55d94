package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
	"popgate/internal/metrics"
	"popgate/tlsconf"
)

// checkPairs looks at the pairs of files, and returns them.
func checkPairs(cfg *config.Config, now time.Time) ([]tlsconf.Certificate, []finding) {
	if len(cfg.TLS.Certificates) == 0 {
		return nil, nil
	}
	source, err := tlsconf.New(tlsOptions(cfg, lasting{log: hclog.NewNullLogger(), metrics: metrics.New()}))
	if err != nil {
		var found []finding
		for line := range strings.SplitSeq(err.Error(), "\n") {
			found = append(found, finding{Check: checkFiles, Status: statusFail, Detail: oneLine(line, maxDetail),
				Hint: "popgate doesn't start like that"})
		}
		return nil, found
	}
	var pairs []tlsconf.Certificate
	var found []finding
	for _, c := range source.Certificates() {
		if c.Source == tlsconf.SourceFile {
			pairs = append(pairs, c)
			found = append(found, checkPair(c, now))
		}
	}
	return pairs, found
}

func checkPair(c tlsconf.Certificate, now time.Time) finding {
	f := finding{Check: checkFiles, Status: statusOK}
	until := c.NotAfter.UTC().Format(time.RFC3339)
	f.Detail = fmt.Sprintf("certificate %q is valid until %s for %s", c.Name, until, oneLine(strings.Join(c.Names, " "), maxDetail))
	if now.After(c.NotAfter) {
		f.Status, f.Detail = statusFail, fmt.Sprintf("certificate %q has expired at %s", c.Name, until)
		f.Hint = "put new files in place; popgate takes them over by itself"
	}
	return f
}

// checkCache looks at the folder for keys and certificates: whether it is there
// or can be made, whether this user can read it and write into it, and whether
// others can read it. What it makes for that is removed.
func checkCache(acme *config.ACME) []finding {
	cache := tlsconf.NewFolder(acme.Cache, acme.Directory)
	path := cache.Path()
	f := finding{Check: checkFolder}
	verdict := func(status, hint, format string, values ...any) []finding {
		f.Status, f.Hint = status, hint
		f.Detail = oneLine(fmt.Sprintf(format, values...), maxDetail)
		return []finding{f}
	}
	if exposed, ok := errors.AsType[*tlsconf.ExposedError](cache.Check()); ok {
		return verdict(statusFail, "chmod -R go= "+exposed.Root,
			"%s has mode %04o, so that others can read private keys", exposed.Path, exposed.Mode.Perm())
	}
	there, err := tryWriting(path)
	if err != nil {
		return verdict(statusFail, "let popgate's user write there, or name another folder as cache in the acme block", "%s: %v", path, err)
	}
	if err := readable(path); err != nil {
		return verdict(statusFail, "let popgate's user read all of it: chown -R", "%s: %v", path, err)
	}
	switch owner, foreign := foreignOwner(there); {
	case foreign && ofDynamicUser(there):
		return verdict(statusOK, "", "%s belongs to the user that systemd makes for popgate", there)
	case foreign:
		return verdict(statusWarn, asOwner(owner), "%s belongs to user %d; root can't tell what that one may do", there, owner)
	case cache.SharedWithGroup():
		return verdict(statusWarn, "chmod -R go= "+path, "the group of %s can read private keys", path)
	case there != path:
		return verdict(statusOK, "", "%s isn't there yet and can be made", path)
	}
	return verdict(statusOK, "", "%s can be read and written", path)
}

// dynamicUsers is where systemd has the folders of services with DynamicUser=, into
// which nobody else gets, but root.
const dynamicUsers = "/var/lib/private/"

// ofDynamicUser tells whether a folder is that of a service whose user comes and goes
// with it. systemd sees to it that popgate can read and write there.
func ofDynamicUser(folder string) bool {
	whole, err := filepath.EvalSymlinks(folder)
	return err == nil && strings.HasPrefix(whole, dynamicUsers)
}

// asOwner says how to work with a cache that belongs to another user: what root
// writes there, that one can't read.
func asOwner(uid int) string {
	return fmt.Sprintf("run this as that user: sudo -u '#%d' popgate cert ...", uid)
}

// tryWriting makes and removes a file in a folder, or a folder in the nearest
// one above it that is there. It returns which one that is.
func tryWriting(folder string) (there string, err error) {
	there, err = nearestFolder(folder)
	switch {
	case err != nil:
		return there, err
	case there == folder:
		return there, tryFile(there)
	}
	return there, tryFolder(there)
}

// nearestFolder returns the folder, or the nearest one above it that is there.
func nearestFolder(path string) (string, error) {
	for {
		info, err := os.Stat(path)
		if _, linkErr := os.Lstat(path); errors.Is(err, fs.ErrNotExist) && linkErr == nil {
			return path, fmt.Errorf("%s is a link to nowhere", path)
		}
		switch above := filepath.Dir(path); {
		case err == nil && !info.IsDir():
			return path, fmt.Errorf("%s is no folder", path)
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist) || path == above:
			return path, err
		default:
			path = above
		}
	}
}

// tryName is what is made for a moment. In a cache, popgate removes what is left
// of it, should this command be killed just then.
const tryName = ".new-check-*"

func tryFile(folder string) error {
	file, err := os.CreateTemp(folder, tryName)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write([]byte("popgate cert check\n"))
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return keepsMode(file.Name(), 0o600)
}

func tryFolder(parent string) error {
	folder, err := os.MkdirTemp(parent, tryName)
	if err != nil {
		return err
	}
	defer os.Remove(folder)
	return keepsMode(folder, 0o700)
}

// keepsMode insists on what a file system has made of a mode: there are some
// that know none.
func keepsMode(path string, mode fs.FileMode) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&^mode != 0 {
		err = fmt.Errorf("this file system makes of mode %04o %04o, so that others could read private keys", mode, info.Mode().Perm())
	}
	return err
}
