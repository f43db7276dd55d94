package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
	"popgate/internal/demo"
	"popgate/internal/metrics"
)

// demoConfig is what `popgate demo` runs, but for the folder of the
// certificate and the mail server's port.
//
//go:embed demo.hcl
var demoConfig string

const (
	demoUser = "alice@demo.example"
	demoHost = "localhost"
	demoAddr = "127.0.0.1:0" // its listener, as in demo.hcl
)

// demoVisitors are users who come and go, so that there is something to see.
var demoVisitors = []string{"bob@demo.example", "carol@demo.example"}

// runDemo runs a mail server and popgate before it, until Ctrl-C.
func runDemo(ctx context.Context, args []string, std streams) error {
	set := flags("demo", "", std, "demo", "demo --traffic=false")
	traffic := set.Bool("traffic", true, "let a few users come and go, to be seen on the status page")
	if err := parse(set, args, std); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "popgate-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeDemoCertificate(dir); err != nil {
		return fmt.Errorf("demo certificate: %w", err)
	}
	password := strings.ToLower(rand.Text()[:12])
	server, address, err := startDemoServer(password, slices.Concat([]string{demoUser}, demoVisitors)...)
	if err != nil {
		return fmt.Errorf("demo server: %w", err)
	}
	cfg, err := demoSettings(dir, address, std.err)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	visitors := new(visitors)
	numbers := metrics.New()
	err = withLog(logOptions{Log: cfg.Log, Target: std.err, OnDrop: numbers.LogDropped}, func(log hclog.Logger) error {
		s, err := newService(cfg, log, numbers)
		if err != nil {
			return err
		}
		load := func() (*config.Config, error) { return demoSettings(dir, address, std.err) }
		signals := listenForSignals()
		defer signals.stop()
		return s.run(ctx, cfg, runOptions{load: load, signals: signals, started: func() error {
			mail := s.server.Addr(demoAddr).(*net.TCPAddr)
			status := s.entrances.operators.addr().(*net.TCPAddr)
			ca := filepath.Join(dir, "ca.pem")
			if *traffic {
				if err := visitors.begin(mail.String(), ca, password, s.orders.over); err != nil {
					return err
				}
			}
			return printDemo(std.out, dir, password, mail.Port, status.Port)
		}})
	})
	visitors.Wait()
	return errors.Join(err, server.Close())
}

// startDemoServer starts the plain mail server on loopback. All users have the
// same password.
func startDemoServer(password string, names ...string) (server *demo.Server, address string, err error) {
	var users []demo.User
	for _, name := range names {
		users = append(users, demo.User{Name: name, Password: password, Mails: demo.Samples()})
	}
	server, err = demo.New(demo.Options{Users: users})
	if err != nil {
		return nil, "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	go server.Serve(listener) // ends with Close, which waits for it
	return server, listener.Addr().String(), nil
}

// demoSettings loads the demo's configuration as a file's would be loaded.
func demoSettings(dir, address string, w io.Writer) (*config.Config, error) {
	text := strings.NewReplacer("@DIR@", filepath.ToSlash(dir), "@BACKEND@", address).Replace(demoConfig)
	cfg, diags, files := config.Parse("demo.hcl", []byte(text))
	if len(diags) > 0 {
		if err := config.WriteDiagnostics(w, files, diags, false); err != nil {
			return nil, err
		}
	}
	if diags.HasErrors() {
		return nil, errShown
	}
	return cfg, nil
}

//go:embed demo.txt
var demoText string

// printDemo tells what to try.
func printDemo(w io.Writer, dir, password string, port, status int) error {
	self, err := os.Executable()
	if err != nil {
		self = "popgate"
	}
	text := strings.NewReplacer(
		"@CA@", shellWord(filepath.Join(dir, "ca.pem")), "@SOCKET@", shellWord(filepath.Join(dir, "admin.sock")),
		"@SELF@", shellWord(self), "@VISITOR@", demoVisitors[0], "@USER@", demoUser, "@PASSWORD@", password,
		"@HOST@", demoHost, "@PORT@", fmt.Sprint(port), "@STATUS@", fmt.Sprint(status),
	).Replace(demoText)
	_, err = io.WriteString(w, text)
	return err
}

// shellWord quotes a path for a shell, if it needs it.
func shellWord(path string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("/._-", r) || r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r))
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
