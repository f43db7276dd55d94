package manifests

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
)

// program is popgate, built by TestMain.
var program string

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "kubectl" {
		if err := kubectl(os.Getenv("CLUSTER"), os.Args[1:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "kubectl:", err)
			os.Exit(1)
		}
		return
	}
	dir, err := os.MkdirTemp("", "manifests")
	if err != nil {
		fmt.Fprintln(os.Stderr, "folder for the program:", err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "popgate")
	build := exec.Command("go", "build", "-o", program, "./cmd/popgate")
	build.Dir = root // its module, not this one
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build popgate: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// TestConfigurationIsFine: popgate finds nothing to complain of in the folder that the
// pod has, and complains if one of its files is missing.
func TestConfigurationIsFine(t *testing.T) {
	for _, variant := range variants {
		etc := newApplied(t, variant, nil).etc(t)
		if out, err := check(etc); err != nil || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %v\n%s", variant, err, out)
		}
		files := regularFiles(t, etc)
		if len(files) < 3 {
			t.Errorf("%s: only %q", variant, files)
		}
		for _, name := range files {
			text := readFile(t, filepath.Join(etc, name))
			if err := os.Remove(filepath.Join(etc, name)); err != nil {
				t.Fatal(err)
			}
			if out, err := check(etc); err == nil {
				t.Errorf("%s: popgate doesn't miss %s: %s", variant, name, out)
			}
			write(t, filepath.Join(etc, name), text)
		}
	}
}

// check runs `popgate check` and returns all that it says.
func check(etc string) (string, error) {
	cmd := exec.Command(program, "check", "--config", filepath.Join(etc, "config.hcl"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestProbesAreAnswered: popgate runs with what the pod gives it; the probes need no
// token, numbers do, and the token is the Secret's; SIGTERM ends it.
func TestProbesAreAnswered(t *testing.T) {
	r := newRuns(t, "secret")
	container := r.deployed(t).Spec.Template.Spec.Containers[0]
	for what, probe := range map[string]*core.Probe{
		"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe,
	} {
		if probe.HTTPGet.Port.StrVal != "admin" || probe.HTTPGet.Scheme != "" {
			t.Fatalf("%s: not at the admin port", what)
		}
		if code := ask(t, r.admin, probe.HTTPGet.Path, ""); code != http.StatusOK {
			t.Errorf("%s: status %d", what, code)
		}
	}
	if container.LivenessProbe.HTTPGet.Path == container.ReadinessProbe.HTTPGet.Path {
		t.Error("popgate would be restarted for want of a certificate")
	}
	if code := ask(t, r.admin, "/metrics", ""); code != http.StatusUnauthorized {
		t.Errorf("numbers without a token: status %d", code)
	}
	token := strings.TrimSpace(readFile(t, filepath.Join(r.mounted, "admin-token")))
	if code := ask(t, r.admin, "/metrics", token); code != http.StatusOK {
		t.Errorf("numbers with the token: status %d", code)
	}
	if err := r.stop(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// serve runs popgate until stop is called, which sends the signal that Kubernetes does.
func serve(t *testing.T, args []string) (stop func() error) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	stop = func() error {
		stopped = true
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return <-ended
	}
	t.Cleanup(func() {
		if !stopped {
			_ = stop()
		}
		if t.Failed() {
			t.Logf("popgate wrote:\n%s", log.String())
		}
	})
	return stop
}

// ask asks the admin interface, and waits until it is there.
func ask(t *testing.T, address, path, token string) (code int) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	deadline, tick := time.Now().Add(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := client.Do(request)
		if err == nil {
			response.Body.Close()
			return response.StatusCode
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-tick.C
	}
}

// freePort returns an address of this machine that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
