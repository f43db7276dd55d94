package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// apart returns the command that runs others behind a shell script, which may change what unshare sets apart for it:
// "--mount" its file systems, "--net" its network. The script ends in `exec "$@"`; its first argument is $0. Where users
// aren't given that right, the test is skipped.
func apart(t testing.TB, parts []string, script string, args ...string) []string {
	t.Helper()
	command := append([]string{need(t, "unshare")}, parts...)
	if os.Getuid() != 0 {
		command = append(command, "--map-root-user")
	}
	probe := append(slices.Clone(command[1:]), "mount", "-t", "tmpfs", "tmpfs", t.TempDir())
	if out, err := exec.Command(command[0], probe...).CombinedOutput(); err != nil {
		missing(t, "this machine lets nobody mount file systems: %v: %s", err, out)
	}
	return append(append(command, "/bin/sh", "-c", script), args...)
}

// startRoom makes a network of its own until the test ends, in which the ports 80 and 443 are free and names are what
// the lines of hosts say. It returns the command that runs others in there.
func startRoom(t testing.TB, hosts string) []string {
	t.Helper()
	need(t, "ip")
	file := write(t, filepath.Join(folder(t), "hosts"), hosts)
	open := apart(t, []string{"--mount", "--net"}, `ip link set lo up && mount --bind "$0" /etc/hosts && exec "$@"`, file)
	p := start(t, "room", exec.Command(open[0], append(open[1:], "/bin/sh", "-c", "echo open; exec sleep 1d")...))
	p.log.wait(t, 1, "open")
	enter := []string{need(t, "nsenter"), "--target", strconv.Itoa(p.cmd.Process.Pid), "--mount", "--net"}
	if os.Getuid() != 0 {
		enter = append(enter, "--user", "--preserve-credentials")
	}
	return enter
}
