package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary stand in for popgate and for the backend, which the comparison
// starts as processes of their own.
func TestMain(m *testing.M) {
	var err error
	switch first(os.Args[1:]) {
	case "version":
		fmt.Println("popgate stand-in")
	case "serve":
		err = standIn(os.Args[3])
	case backendCommand:
		err = runBackend(context.Background(), os.Args[2:], os.Stdin)
	default:
		goleak.VerifyTestMain(m)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// standIn is a bare TLS relay that reads what it needs from popgate's configuration.
func standIn(config string) error {
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	words := make(map[string]string)
	for _, m := range regexp.MustCompile(`(\w+)\s*= "(.*)"`).FindAllStringSubmatch(string(text), -1) {
		if _, ok := words[m[1]]; ok {
			m[1] = "backend " + m[1] // The second address is the backend's.
		}
		words[m[1]] = m[2]
	}
	pair, err := tls.LoadX509KeyPair(words["cert_file"], words["key_file"])
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", words["address"], &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		return err
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer client.Close()
			backend, err := net.Dial("tcp", words["backend address"])
			if err != nil {
				return
			}
			defer backend.Close()
			go io.Copy(backend, client)
			io.Copy(client, backend)
		}()
	}
}

func needLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: needs Linux's /proc")
	}
}

// The whole program, with real processes, on a stand-in for popgate.
func TestCompareFromStartToTable(t *testing.T) {
	needLinux(t)
	raw := filepath.Join(t.TempDir(), "raw", "figures.jsonl")
	tmp := reachable(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, progress bytes.Buffer
	args := []string{"--quick", "--scale", "0.001", "--sessions", "20", "--hold", "1ms", "--peers", popgate,
		"--popgate", self, "--only", "session,retr4k,idle", "--raw", raw}
	if err := compare(t.Context(), args, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	for _, want := range []string{"popgate stand-in", "X25519MLKEM768", "\n| popgate | ", "\n| " + hybridName + " | ",
		"32 at once, 32 a round", "idle: 20 sessions held"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	checkRaw(t, raw, map[string]int{"session/popgate": 1, "session/" + hybridName: 1, "retr4k/popgate": 1, "idle/popgate": 1})
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind in the temporary folder: %v, %v", left, err)
	}
}

// reachable makes a temporary folder that the servers' user can reach too.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "compare-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	return dir
}

// checkRaw insists on one machine and on so many samples of each work and row,
// with figures in them.
func checkRaw(t *testing.T, path string, want map[string]int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	var m machine
	if err := json.Unmarshal(head, &m); err != nil || m.Kind != "machine" || m.Kernel == "" || m.Cores < 1 {
		t.Errorf("the first line is %s, %v", head, err)
	}
	got := make(map[string]int)
	for line := range bytes.Lines(rest) {
		var s sample
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		got[s.Work+"/"+s.Row]++
		if s.Kind == kindRound && !(s.CPU > 0 && s.Rate > 0 && s.P50 > 0 && s.P99 >= s.P50 && s.Operations > 0) {
			t.Errorf("a round without figures: %s", line)
		}
		if s.Kind == kindIdle && !(s.Held > 0 && s.Empty > 0 && s.Sessions == 20) {
			t.Errorf("an idle sample without figures: %s", line)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("samples %v, want %v", got, want)
	}
}

// A server that doesn't come up must end the run with its own words.
func TestCompareTellsWhyAProxyFailed(t *testing.T) {
	needLinux(t)
	tmp := reachable(t)
	program := filepath.Join(tmp, "broken")
	script := "#!/bin/sh\n[ \"$1\" = version ] && echo popgate 1.2.3 && exit\necho unknown word >&2\nexit 2\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"--quick", "--peers", popgate, "--popgate", program, "--raw", filepath.Join(t.TempDir(), "raw")}
	err := compare(t.Context(), args, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "popgate ended at start") || !strings.Contains(err.Error(), "unknown word") {
		t.Errorf("got %v", err)
	}
}
