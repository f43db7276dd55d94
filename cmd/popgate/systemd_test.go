package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"popgate/internal/config"
)

// units is the folder of systemd's units.
const units = "deploy/systemd"

// installedUnits copies the units to a folder where what they start is there.
func installedUnits(t *testing.T) (service string, all []string) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("POPGATE_E2E_REQUIRE") == "1" {
			t.Fatal("POPGATE_E2E_REQUIRE=1, but systemd-analyze is not installed (Debian package systemd)")
		}
		t.Skip("SKIPPED: systemd-analyze is not installed (Debian package systemd)")
	}
	dir := t.TempDir()
	for _, name := range []string{"popgate.service", "popgate.socket", "popgate-http.socket"} {
		text := strings.ReplaceAll(document(t, filepath.Join(units, name)), "/usr/bin/popgate", program)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		all = append(all, path)
	}
	return all[0], all
}

// TestUnits: systemd understands every word of the units.
func TestUnits(t *testing.T) {
	_, all := installedUnits(t)
	out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, all...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestUnitExposure: the service is shut in as well as its README says, where 1.5
// leaves a tenth for other versions of systemd.
func TestUnitExposure(t *testing.T) {
	service, _ := installedUnits(t)
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", service).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// shortest is the shortest configuration, with all defaults.
func shortest(t *testing.T) *config.Config {
	t.Helper()
	cfg, diags, _ := config.Parse("config.hcl", []byte("tls {\n  acme { hosts = [\"pop.example.com\"] }\n}\nbackend \"legacy\" { address = \"10.0.0.5:110\" }\n"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return cfg
}

// TestUnitTimes: systemd waits for longer than a drain takes, and looks for life
// less often than popgate shows some.
func TestUnitTimes(t *testing.T) {
	unit := document(t, units+"/popgate.service")
	setting := func(name string) time.Duration {
		found := regexp.MustCompile(`(?m)^` + name + `=(\d+)$`).FindStringSubmatch(unit)
		if found == nil {
			t.Fatalf("no %s in seconds", name)
		}
		d, err := time.ParseDuration(found[1] + "s")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	cfg := shortest(t)
	if stop, need := setting("TimeoutStopSec"), cfg.Timeouts.Drain+cfg.Timeouts.Quit+stopSpare; stop <= need {
		t.Errorf("TimeoutStopSec is %v, want more than %v", stop, need)
	}
	if watchdog := setting("WatchdogSec"); watchdog < statusEvery {
		t.Errorf("WatchdogSec is %v, less than %v", watchdog, statusEvery)
	}
}

// TestSocketUnits: they are the ports of the default configuration.
func TestSocketUnits(t *testing.T) {
	var wanted []string
	cfg := shortest(t)
	for _, w := range wants(cfg) {
		if !w.Unix {
			wanted = append(wanted, strings.TrimPrefix(w.Address, ":"))
		}
	}
	text := document(t, units+"/popgate.socket") + document(t, units+"/popgate-http.socket")
	for _, port := range wanted {
		if !strings.Contains(text, "ListenStream="+port+"\n") {
			t.Errorf("no socket for port %s", port)
		}
	}
	if got := strings.Count(text, "ListenStream="); got != len(wanted) {
		t.Errorf("there are %d sockets, want %d", got, len(wanted))
	}
	if !strings.Contains(text, "FileDescriptorName="+cfg.Listeners[0].Name+"\n") {
		t.Errorf("no socket is called %s", cfg.Listeners[0].Name)
	}
}
