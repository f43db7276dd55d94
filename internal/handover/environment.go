package handover

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Variables of the environment that say which descriptors a process is given:
// systemd's (sd_listen_fds(3)), and popgate's own.
const (
	listenPID   = "LISTEN_PID"
	listenFDs   = "LISTEN_FDS"
	listenNames = "LISTEN_FDNAMES"
	upgradeFDs  = "POPGATE_UPGRADE"
)

// firstFD is the first descriptor that systemd passes, and maxSockets bounds how
// many there can be.
const (
	firstFD    = 3
	maxSockets = 1024
)

// systemdNames returns the names of the descriptors that systemd passes, which
// are numbered from 3 on. None: it passes none to this process. Without a process id
// it is never this one that is meant, as descriptors of its own have these numbers.
func systemdNames(pid, fds, names string, self int) ([]string, error) {
	if pid != strconv.Itoa(self) {
		return nil, nil
	}
	n, err := strconv.Atoi(fds)
	if err != nil || n < 0 || n > maxSockets {
		return nil, fmt.Errorf("%s=%q is no number of sockets from 0 to %d", listenFDs, fds, maxSockets)
	}
	list := make([]string, n)
	if names == "" {
		return list, nil
	}
	named := strings.Split(names, ":")
	if len(named) != n {
		return nil, fmt.Errorf("%s has %d names for %d sockets", listenNames, len(named), n)
	}
	return named, nil
}

// errNumbers is a list of descriptors that popgate can't have written.
var errNumbers = errors.New(upgradeFDs + " is not what a popgate sets")

// upgradeNumbers reads the descriptors that the popgate before passes: where to
// hear it, where to talk to it, standard error, and the sockets.
func upgradeNumbers(text string) ([]int, error) {
	var list []int
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < firstFD || n >= firstFD+3+maxSockets || slices.Contains(list, n) {
			return nil, errNumbers
		}
		list = append(list, n)
	}
	if len(list) < 3 {
		return nil, errNumbers
	}
	return list, nil
}

// Environment returns the environment for a process that follows this one: what
// was said of descriptors, and to this process only, is left out. WATCHDOG_PID
// is: the next process is as much of a service's main one.
func Environment() []string {
	own := []string{listenPID, listenFDs, listenNames, upgradeFDs, "WATCHDOG_PID"}
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(own, name)
	})
}
