package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"time"
)

// visitors are the demo's own users, who read mail now and then.
type visitors struct{ sync.WaitGroup }

// How long a visitor stays away, at least and at most, and likewise in a session;
// how long a session may take in all, and how many of them are mistyped.
const (
	awayFrom, awayTo = 3 * time.Second, 12 * time.Second
	stayFrom, stayTo = time.Second, 8 * time.Second
	visitTime        = 30 * time.Second
	mistypedOf       = 6
)

// begin lets visitors come to address until over is closed.
func (v *visitors) begin(address, caFile, password string, over <-chan struct{}) error {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return err
	}
	config := &tls.Config{ServerName: demoHost, RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return errors.New("the demo's CA file holds no certificate")
	}
	for _, user := range demoVisitors {
		v.Go(func() {
			for first := true; first || pause(awayFrom, awayTo, over); first = false {
				given := password
				if rand.IntN(mistypedOf) == 0 {
					given = "mistyped"
				}
				// Whatever goes wrong is in the log, and on the status page.
				_ = visit(address, config, user, given, over)
			}
		})
	}
	return nil
}

// visit is one session.
func visit(address string, config *tls.Config, user, password string, over <-chan struct{}) error {
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(visitTime)); err != nil {
		return err
	}
	talk := textproto.NewConn(conn)
	if _, err := talk.ReadLine(); err != nil {
		return err
	}
	for _, command := range []string{"USER " + user, "PASS " + password, "STAT"} {
		if err := ask(talk, command); err != nil {
			return err
		}
	}
	pause(stayFrom, stayTo, over)
	if err := ask(talk, "RETR 1"); err != nil {
		return err
	}
	if _, err := talk.ReadDotBytes(); err != nil {
		return err
	}
	return ask(talk, "QUIT")
}

var errNotOK = errors.New("the answer is not +OK")

// ask sends a command and takes the status line.
func ask(talk *textproto.Conn, command string) error {
	if err := talk.PrintfLine("%s", command); err != nil {
		return err
	}
	answer, err := talk.ReadLine()
	if err == nil && !strings.HasPrefix(answer, "+OK") {
		return errNotOK
	}
	return err
}

// pause waits, and reports whether it did so to the end.
func pause(from, to time.Duration, over <-chan struct{}) bool {
	timer := time.NewTimer(from + rand.N(to-from))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-over:
		return false
	}
}
