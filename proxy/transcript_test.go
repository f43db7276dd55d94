package proxy_test

import (
	"crypto/tls"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
)

// TestTranscripts plays every session in testdata, in virtual time. A file's
// name says which row of the RFC matrix, attack or rule it proves, its head why.
//
// Beside the settings of the rig:
//
//	set drain_at=5s           draining begins after that time
//	set log=stls_injection    the log must hold this text, once at least
//	set nolog=secret          … must not hold it
//	set metric=NAME 1         popgate_NAME is that at the end
//	set metric=NAME key=value 1
//
// Of a histogram NAME is how many values it has, NAME_sum their sum.
func TestTranscripts(t *testing.T) {
	for _, script := range poptest.Load(t, "testdata/*.txt") {
		name := strings.TrimSuffix(script.File, ".txt")
		if script.Name != name {
			name += "/" + script.Name
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playScript(t, script) })
		})
	}
}

func playScript(t *testing.T, script *poptest.Script) {
	ca := poptest.NewCA(t)
	r := newRig(t, ca, script.Settings)
	if at := duration(t, script.Settings, "drain_at", 0); at > 0 {
		drain := time.AfterFunc(at, func() {
			r.stop()
			r.server.Drain(r.drainTime)
		})
		defer drain.Stop()
	}
	poptest.Play(t, script, poptest.Stage{
		Connect:  r.connect,
		TLS:      &tls.Config{RootCAs: ca.Pool(), ServerName: "pop.example.com"},
		Backends: r.backends,
	})
	synctest.Wait()
	r.close()
	checkLog(t, r.log.String(), script.Settings)
	r.checkMetrics(script.Settings)
}

// checkLog insists on the settings about the log, and on what must be true of
// every log: one JSON object a line, and no password in it.
func checkLog(t *testing.T, log string, set poptest.Settings) {
	t.Helper()
	for _, want := range set["log"] {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not hold %q:\n%s", want, log)
		}
	}
	// "sesame" is every transcript's password; the rest is its base64, wherever
	// it stands in a message.
	for _, secret := range append(set["nolog"], "sesame", "c2VzYW1l", "zZXNhbW", "Nlc2FtZ") {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not one event a line: %q", line)
		}
	}
}

// checkMetrics insists on the settings about numbers.
func (r *rig) checkMetrics(set poptest.Settings) {
	r.tb.Helper()
	for _, line := range set["metric"] {
		words := strings.Fields(line)
		want, err := strconv.ParseFloat(words[len(words)-1], 64)
		if err != nil || len(words) < 2 || len(words) > 3 {
			r.tb.Fatalf("set metric=%s: it reads NAME [key=value] number", line)
		}
		label, value := "", ""
		if len(words) == 3 {
			label, value, _ = strings.Cut(words[1], "=")
		}
		if got := r.gauge("popgate_"+words[0], label, value); got != want {
			r.tb.Errorf("%s is %v", line, got)
		}
	}
}
