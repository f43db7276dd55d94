package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// machine is a Debian of its own, with systemd as process 1: all files of this one, changes to which are kept apart and
// lost at the end, and a network that nobody else is in.
type machine struct {
	*process
	pid int // of its systemd, as seen from here
}

// boot makes the machine in namespaces that it finds itself in. $0 is a folder of its own; what follows are folders of
// this machine that need not be on the file system of its root.
const boot = `set -e
mount --make-rprivate /
ip link set lo up
mount -t tmpfs tmpfs "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
cd "$0/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
for folder in run tmp; do
	mount -t tmpfs -o mode=1777 tmpfs "$folder"
done
for shared in "$@"; do
	mkdir -p "./$shared"
	mount --bind "$shared" "./$shared"
done
# Nothing of what this Debian would start is started.
mkdir -p run/systemd/system
printf '[Unit]\nDescription=machine\nDefaultDependencies=no\n' > run/systemd/system/machine.target
pivot_root . mnt
umount --lazy /mnt
echo booting
exec env -i "PATH=$PATH" LANG=C.UTF-8 container=other /lib/systemd/systemd --system --unit=machine.target --log-target=console --show-status=no
`

// startMachine boots a machine that runs until the test ends.
func startMachine(t *testing.T) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		missing(t, "only root can boot a machine")
	}
	need(t, "ip")
	need(t, "systemctl")
	dir := folder(t)
	open := apart(t, []string{"--fork", "--kill-child=KILL", "--pid", "--mount-proc", "--mount", "--net", "--uts", "--ipc", "--cgroup"}, boot,
		append([]string{dir, repository(t)}, goFolders(t)...)...)
	m := &machine{process: start(t, "systemd", exec.Command(open[0], open[1:]...))}
	// unshare lets no other signal through.
	t.Cleanup(func() { _ = m.cmd.Process.Kill() })
	m.log.wait(t, 1, "^booting")
	children, err := os.ReadFile("/proc/" + strconv.Itoa(m.cmd.Process.Pid) + "/task/" + strconv.Itoa(m.cmd.Process.Pid) + "/children")
	if err != nil {
		t.Fatal(err)
	}
	if m.pid, err = strconv.Atoi(strings.TrimSpace(string(children))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "systemd runs", func() bool {
		out, code := m.try(t, "systemctl is-system-running")
		return code == 0 && strings.TrimSpace(out) == "running"
	})
	return m
}

// repository is the folder that holds go.mod.
func repository(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// goFolders are those of Go and of its modules and results.
func goFolders(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// file is where something of the machine is, as seen from here.
func (m *machine) file(name string) string {
	return filepath.Join("/proc", strconv.Itoa(m.pid), "root", name)
}

// try runs a script in the machine, in root's home folder.
func (m *machine) try(t *testing.T, script string) (out string, code int) {
	t.Helper()
	// As long as a build may take.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, need(t, "nsenter"), "--target", strconv.Itoa(m.pid), "--all",
		"env", "-i", "PATH="+os.Getenv("PATH"), "HOME=/root", "LANG=C.UTF-8", "GOPROXY=off", "DEBIAN_FRONTEND=noninteractive",
		"/bin/sh", "-e", "-c", "cd\n"+script)
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	return string(text), exitCode(err)
}

// sh runs a script that must end well.
func (m *machine) sh(t *testing.T, script string) string {
	t.Helper()
	out, code := m.try(t, script)
	if code != 0 {
		t.Fatalf("exit code %d of\n%s\n%s", code, script, out)
	}
	return out
}

// section returns what stands under a heading of a document.
func section(t *testing.T, document, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(readFile(t, document), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no %q", document, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// shellBlocks returns the blocks of shell in a text, of which there must be n.
func shellBlocks(t *testing.T, text string, n int) (blocks []string) {
	t.Helper()
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, block[1])
	}
	if len(blocks) != n {
		t.Fatalf("there are %d blocks of shell, and this test knows %d", len(blocks), n)
	}
	return blocks
}
