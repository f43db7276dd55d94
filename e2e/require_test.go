package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// packages names the Debian package that each program comes from.
var packages = map[string]string{
	"busybox":                 "busybox-static",
	"curl":                    "curl",
	"docker":                  "docker.io",
	"dockerd":                 "docker.io",
	"dovecot":                 "dovecot-pop3d",
	"fail2ban-client":         "fail2ban",
	"fail2ban-regex":          "fail2ban",
	"fetchmail":               "fetchmail",
	"haproxy":                 "haproxy",
	"ip":                      "iproute2",
	"make":                    "make",
	"mpop":                    "mpop",
	"nsenter":                 "util-linux",
	"openssl":                 "openssl",
	"prlimit":                 "util-linux",
	"python3":                 "python3",
	"setpriv":                 "util-linux",
	"sslscan":                 "sslscan",
	"systemctl":               "systemd",
	"testssl":                 "testssl.sh",
	"unshare":                 "util-linux",
	"systemd-socket-activate": "systemd",
}

// need returns the path of an installed program. Without it the test is skipped, or fails where
// POPGATE_E2E_REQUIRE=1 says that everything has to be there.
func need(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	// Debian keeps servers in /usr/sbin, which the PATH of an ordinary user doesn't have.
	if path, err := exec.LookPath(filepath.Join("/usr/sbin", name)); err == nil {
		return path
	}
	missing(t, "%s is not installed (Debian package %s)", name, packages[name])
	return ""
}

// missing ends the test because something that it needs is not there: a skip, or a failure where
// POPGATE_E2E_REQUIRE=1.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("POPGATE_E2E_REQUIRE") == "1" {
		t.Fatalf("POPGATE_E2E_REQUIRE=1, but "+format, args...)
	}
	t.Skipf("SKIPPED: "+format, args...)
}
