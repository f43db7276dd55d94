package manifests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
)

// applied is what the README's commands have made of the manifests.
type applied struct {
	objects
	here string   // where the commands run
	env  []string // in which they do
}

// newApplied follows the README until all is there. Before, a certificate and its key
// are put there, and the configuration is edited.
func newApplied(t *testing.T, variant string, edits map[string]string) *applied {
	t.Helper()
	dir := t.TempDir()
	a := &applied{objects: objects{filepath.Join(dir, "cluster"), "popgate"}, here: filepath.Join(dir, "here")}
	files, config := edited(t, variant), map[string]string{"secret": "config.hcl", "acme": "acme/config.hcl"}[variant]
	for old, replacement := range edits {
		files[config] = replaceOnce(t, files[config], old, replacement)
	}
	for name, text := range files {
		write(t, filepath.Join(a.here, name), text)
	}
	writePair(t, a.here)
	before := regularFiles(t, a.here)

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	// TestMain knows it by its name.
	if err := os.Symlink(self, filepath.Join(bin, "kubectl")); err != nil {
		t.Fatal(err)
	}
	a.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CLUSTER="+a.folder, "POPGATE="+program)
	a.follow(t, "Apply")
	if after := regularFiles(t, a.here); !slices.Equal(after, before) {
		t.Errorf("the README's commands leave %q of %q", after, before)
	}
	return a
}

// follow runs all commands under a heading of the README, those in the midst of the
// text as well.
func (a *applied) follow(t *testing.T, heading string) (said string) {
	t.Helper()
	_, section, _ := strings.Cut(readFile(t, kubernetes+"/README.md"), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	commands := regexp.MustCompile("(?s)```sh\n(.*?)```|`(kubectl .*?)`").FindAllStringSubmatch(section, -1)
	if len(commands) == 0 {
		t.Fatalf("no commands under %q: is this test blind?", heading)
	}
	for _, found := range commands {
		cmd := exec.Command("sh", "-e", "-c", found[1]+found[2])
		cmd.Dir, cmd.Env = a.here, a.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v of\n%s%s", err, found[0], out)
		}
		said += string(out)
	}
	return said
}

// deployed is popgate's Deployment.
func (a *applied) deployed(t *testing.T) *apps.Deployment {
	t.Helper()
	d, err := a.deployment("deployment/popgate")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// etc makes the folder that the pod has as /etc/popgate.
func (a *applied) etc(t *testing.T) string {
	t.Helper()
	pod := a.deployed(t).Spec.Template.Spec
	files, err := a.files(pod)
	if err != nil {
		t.Fatal(err)
	}
	below := make(map[string]string)
	for path, text := range files {
		name, ok := strings.CutPrefix(path, "/etc/popgate/")
		if !ok {
			t.Fatalf("the pod has %s", path)
		}
		below[name] = text
	}
	for _, volume := range pod.Volumes {
		if volume.Projected != nil && *volume.Projected.DefaultMode != 0o440 {
			t.Errorf("the mode of secret files is %o", *volume.Projected.DefaultMode)
		}
	}
	return project(t, below, 0o440)
}

// runs is a pod that serves, at ports of this machine that are free.
type runs struct {
	*applied
	mounted string // what the pod has as /etc/popgate
	admin   string // address
	stop    func() error
}

func newRuns(t *testing.T, variant string) *runs {
	t.Helper()
	admin, dir := freePort(t), t.TempDir()
	socket := filepath.Join(dir, "admin.sock")
	edits := map[string]string{`":9950"`: `"127.0.0.1:0"`, `":9110"`: fmt.Sprintf("%q\n  socket = %q", admin, socket)}
	if variant == "acme" {
		edits[`":8080"`] = `"127.0.0.1:0"`
		edits[`"letsencrypt-staging"`] = fmt.Sprintf("\"https://127.0.0.1:1/directory\"\n    cache = %q", dir) // nobody is there
	}
	a := newApplied(t, variant, edits)
	a.env = append(a.env, "POPGATE_SOCKET="+socket)
	container := a.deployed(t).Spec.Template.Spec.Containers[0]
	if at, err := mountedAt(container, "run"); err != nil || at != "/run/popgate" {
		t.Errorf("the socket's folder is %q: %v", at, err)
	}
	r := &runs{applied: a, mounted: a.etc(t), admin: admin}
	args := slices.Clone(container.Args)
	for i, arg := range args {
		args[i] = strings.Replace(arg, "/etc/popgate", r.mounted, 1)
	}
	r.stop = serve(t, args)
	ask(t, admin, "/healthz", "") // waits
	return r
}

// TestKubernetesPage: each command of the README does what it is there for, and the
// last one leaves nothing of popgate in the cluster.
func TestKubernetesPage(t *testing.T) {
	for variant, lists := range map[string]string{"secret": "valid", "acme": "missing"} {
		r := newRuns(t, variant)
		said := r.follow(t, "Check")
		for _, part := range []string{"pods [popgate]\n", "service [popgate]\n", "pop.example.com", lists, "logs of [popgate]\n"} {
			if !strings.Contains(said, part) {
				t.Errorf("%s: under Check no command says %q:\n%s", variant, part, said)
			}
		}
		r.follow(t, "Upgrade")
		if err := r.stop(); err != nil {
			t.Errorf("%s: after SIGTERM: %v", variant, err)
		}
		r.follow(t, "Remove")
		if left := regularFiles(t, r.folder); len(left) > 0 {
			t.Errorf("%s: the cluster still has %q", variant, left)
		}
	}
}
