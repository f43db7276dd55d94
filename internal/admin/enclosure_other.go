//go:build !unix || aix || solaris

package admin

import (
	"io/fs"
	"os"
)

func openFolder(path string) (*os.File, error) { return os.Open(path) }

// lockFolder knows of no lock here: one popgate at a time has to be seen to
// otherwise.
func lockFolder(*os.File) error { return nil }

// private leaves that to the folder's own access list here.
func private(fs.FileInfo) bool { return true }
