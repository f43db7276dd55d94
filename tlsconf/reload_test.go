package tlsconf

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// These tests run in virtual time, where a folder watch can't: they are about
// the poll, and about what is taken over, refused and reported.

// run starts s.Run and returns what ends it and waits for it.
func run(t testing.TB, s *Source) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

// polling makes a Source whose folders can't be watched.
func polling(t testing.TB, opts Options) *Source {
	t.Helper()
	s := newTestSource(t, opts)
	s.openWatcher = func() (*fsnotify.Watcher, error) { return nil, errors.New("no watches left") }
	return s
}

// scene is a running Source of one block in a bubble.
type scene struct {
	*Source
	dir  string
	old  pemPair
	seen *recorder
	book *logBook
}

// inBubble plays a scene in virtual time.
func inBubble(t *testing.T, play func(t *testing.T, s scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		files, old := newFiles(t, dir, "main", "pop.example.com")
		seen := newRecorder()
		book, logger := newLogger(hclog.Info)
		s := polling(t, Options{Certificates: []Files{files}, Observer: seen, Logger: logger})
		seen.wait(t, "loaded")
		defer run(t, s)()
		synctest.Wait()
		play(t, scene{s, dir, old, seen, book})
	})
}

// pass lets virtual time go by.
func (scene) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// serves tells whether clients get p.
func (s scene) serves(t *testing.T, p pemPair) bool {
	t.Helper()
	cert, err := s.getCertificate(&tls.ClientHelloInfo{ServerName: "pop.example.com"})
	must(t, err)
	return cert.Leaf.Equal(p.leaf)
}

func TestPollSeesNewPair(t *testing.T) {
	inBubble(t, func(t *testing.T, s scene) {
		if len(s.book.lines("can't be watched")) != 1 {
			t.Error("no warning that there is no watch")
		}
		next := newPEM(t, issue{names: []string{"pop.example.com"}})
		next.write(t, s.dir, "main")
		s.pass(time.Minute)
		if !s.serves(t, next) {
			t.Error("the new pair isn't served after a poll")
		}
		if state := s.Certificates()[0]; !state.NotAfter.Equal(next.leaf.NotAfter) || state.LastError != nil {
			t.Errorf("state: %+v", state)
		}
		if e := s.seen.wait(t, "loaded"); e.name != "main" || !e.notAfter.Equal(next.leaf.NotAfter) {
			t.Errorf("observed: %+v", e)
		}
		s.pass(time.Hour)
		if s.seen.drain("loaded") != 0 {
			t.Error("an unchanged pair was loaded again")
		}
	})
}

func TestBadPairKeepsTheOldOneAndIsReportedOnce(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, s scene){
		"key of another certificate": func(t *testing.T, s scene) {
			must(t, os.WriteFile(s.files[0].KeyFile, newPEM(t, issue{}).key, 0o600))
		},
		"garbage": func(t *testing.T, s scene) {
			must(t, os.WriteFile(s.files[0].CertFile, []byte("garbage"), 0o600))
		},
		"expired": func(t *testing.T, s scene) {
			newPEM(t, issue{names: []string{"pop.example.com"}, notBefore: time.Now().Add(-time.Hour),
				notAfter: time.Now().Add(-time.Minute)}).write(t, s.dir, "main")
		},
		"valid only tomorrow": func(t *testing.T, s scene) {
			newPEM(t, issue{names: []string{"pop.example.com"}, notBefore: time.Now().Add(23 * time.Hour)}).write(t, s.dir, "main")
		},
		"removed": func(t *testing.T, s scene) { must(t, os.Remove(s.files[0].CertFile)) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s scene) {
				spoil(t, s)
				s.pass(10 * time.Hour)
				if !s.serves(t, s.old) {
					t.Error("the old pair isn't served any more")
				}
				if n := len(s.book.lines("new certificate refused, the old one stays")); n != 1 {
					t.Errorf("reported %d times", n)
				}
				if n := s.seen.drain("failed"); n != 1 {
					t.Errorf("counted %d times", n)
				}
				if _, ok := errors.AsType[*FileError](s.Certificates()[0].LastError); !ok {
					t.Errorf("last error %v", s.Certificates()[0].LastError)
				}

				s.old.write(t, s.dir, "main")
				s.pass(2 * time.Minute)
				if s.Certificates()[0].LastError != nil || len(s.book.lines("as served again")) != 1 {
					t.Error("that all is well again isn't told")
				}
			})
		})
	}
}

func TestBadPairIsReportedAsSoonAsTheGraceIsOver(t *testing.T) {
	inBubble(t, func(t *testing.T, s scene) {
		must(t, os.Remove(s.files[0].KeyFile))
		s.pass(time.Minute + grace - time.Second) // the first poll sees it
		if n := s.seen.drain("failed"); n != 0 {
			t.Error("reported within the grace time")
		}
		s.pass(time.Second)
		if n := s.seen.drain("failed"); n != 1 {
			t.Error("not reported right after the grace time, but with a later poll")
		}
	})
}

func TestAlarmIsOnlyBroughtForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlarm()
		defer a.Stop()
		for range 2 {
			start := time.Now()
			for _, d := range []time.Duration{grace, settle, grace} {
				a.within(d)
			}
			<-a.C
			a.rang()
			if took := time.Since(start); took != settle {
				t.Errorf("rang after %v, want %v", took, settle)
			}
		}
	})
}

func TestAnotherBadPairIsReportedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, s scene) {
		for range 3 {
			must(t, os.WriteFile(s.files[0].KeyFile, newPEM(t, issue{}).key, 0o600))
			s.pass(time.Hour)
		}
		if n := s.seen.drain("failed"); n != 3 {
			t.Errorf("reported %d times, want 3", n)
		}
	})
}

func TestPairThatBecomesValidIsTakenOver(t *testing.T) {
	inBubble(t, func(t *testing.T, s scene) {
		next := newPEM(t, issue{names: []string{"pop.example.com"}, notBefore: time.Now().Add(time.Hour)})
		next.write(t, s.dir, "main")
		s.pass(30 * time.Minute)
		if !s.serves(t, s.old) {
			t.Error("served before its time")
		}
		s.pass(31 * time.Minute)
		if !s.serves(t, next) {
			t.Error("not served in its time")
		}
	})
}

func TestHalfWrittenPairSettlesQuietly(t *testing.T) {
	inBubble(t, func(t *testing.T, s scene) {
		next := newPEM(t, issue{names: []string{"pop.example.com"}})
		must(t, os.WriteFile(s.files[0].CertFile, next.cert, 0o600))
		s.pass(time.Minute) // a poll has seen it
		if s.files[0].wrong == nil || !s.serves(t, s.old) {
			t.Fatal("the poll has not seen half a pair")
		}
		s.pass(grace - time.Second)
		must(t, os.WriteFile(s.files[0].KeyFile, next.key, 0o600))
		s.pass(time.Minute)
		if !s.serves(t, next) {
			t.Error("the whole pair isn't served")
		}
		if n := s.seen.drain("failed"); n != 0 || len(s.book.lines("[WARN]  test.tls: new")) != 0 {
			t.Errorf("%d failures reported", n)
		}
	})
}

func TestExpiryOfTheServedPairIsReportedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s scene) {
		s.pass(100 * time.Hour)
		if !s.serves(t, s.old) {
			t.Error("an expired certificate is better than none, but isn't served")
		}
		if n := len(s.book.lines("[ERROR] test.tls: certificate has expired")); n != 1 {
			t.Errorf("reported %d times", n)
		}
		if n := s.seen.drain("expired"); n != 1 {
			t.Errorf("counted %d times", n)
		}
		if err := s.Certificates()[0].LastError; !errors.Is(err, errExpired) {
			t.Errorf("last error %v", err)
		}

		newPEM(t, issue{names: []string{"pop.example.com"}, notAfter: time.Now().Add(24 * time.Hour)}).write(t, s.dir, "main")
		s.pass(time.Minute)
		if err := s.Certificates()[0].LastError; err != nil {
			t.Errorf("last error after renewal: %v", err)
		}
	})
}

func TestNewPairWithOtherNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		files, _ := newFiles(t, dir, "main", "a.example.com", "b.example.com")
		book, logger := newLogger(hclog.Warn)
		s := polling(t, Options{Certificates: []Files{files}, Logger: logger, Hosts: []string{"a.example.com", "b.example.com"}})
		defer run(t, s)()
		if len(book.lines("hosts without")) != 0 {
			t.Error("warned though every host is covered")
		}
		newPEM(t, issue{names: []string{"a.example.com"}}).write(t, dir, "main")
		<-time.After(time.Hour)
		synctest.Wait()
		if len(book.lines(`count=1 hosts=b.example.com`))+len(book.lines(`count=1 hosts="b.example.com"`)) != 1 {
			t.Errorf("no warning, or several, for the host that lost its certificate: %q", book.lines("hosts"))
		}
	})
}

func TestCertificatesAreTheCallersOwn(t *testing.T) {
	files, _ := newFiles(t, t.TempDir(), "main", "pop.example.com")
	s := newTestSource(t, Options{Certificates: []Files{files}})
	list := s.Certificates()
	if len(list) != 1 || list[0].Name != "main" || list[0].Source != SourceFile || list[0].Names[0] != "pop.example.com" {
		t.Fatalf("list: %+v", list)
	}
	list[0].Names[0] = "changed"
	list[0].Name = "changed"
	if again := s.Certificates()[0]; again.Name != "main" || again.Names[0] != "pop.example.com" {
		t.Errorf("a caller changed it: %+v", again)
	}
}
