//go:build !linux

package handover

import (
	"os"
	"os/exec"
)

// makeSibling: processes have the children that they start here.
func makeSibling(*exec.Cmd) bool { return false }

func exists(*os.Process) bool { return false }
