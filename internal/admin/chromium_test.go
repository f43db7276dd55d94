//go:build unix

package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// needProgram returns the path of an installed program. Without it the test is
// skipped, or fails where POPGATE_E2E_REQUIRE=1 says that everything has to be
// there.
func needProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("POPGATE_E2E_REQUIRE") == "1":
		t.Fatalf("POPGATE_E2E_REQUIRE=1, but %s is not installed", name)
	default:
		t.Skipf("SKIPPED: %s is not installed", name)
	}
	return path
}

// browserTime is how long a browser may take for anything. It is there for tests
// that would hang; nothing waits for it.
const browserTime = 45 * time.Second

// browser is a Chromium without a window. It is spoken to in the DevTools
// protocol over a pipe: JSON, with a NUL behind each message.
type browser struct {
	t   testing.TB
	cmd *exec.Cmd
	ctx context.Context // its end is that of the test's patience

	mu      sync.Mutex
	to      *os.File
	last    int
	answers map[int]chan devtoolsMessage
	tabs    map[string]*tab
	read    chan struct{} // closed when the browser says nothing any more
}

// devtoolsMessage is a command, its answer or an event.
type devtoolsMessage struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// startBrowser starts one; it ends with the test.
func startBrowser(t testing.TB) *browser {
	t.Helper()
	path := needProgram(t, "chromium")
	dir := t.TempDir()
	fromUs, to, err := os.Pipe()
	must(t, err)
	from, toUs, err := os.Pipe()
	must(t, err)
	noise, err := os.Create(filepath.Join(dir, "noise"))
	must(t, err)
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-breakpad",
		"--disable-crash-reporter", "--disable-component-update", "--disable-background-networking", "--disable-sync",
		"--disable-dev-shm-usage", "--no-proxy-server", "--user-data-dir="+filepath.Join(dir, "profile"), "--remote-debugging-pipe")
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.ExtraFiles = []*os.File{fromUs, toUs} // 3 and 4
	cmd.Stdout, cmd.Stderr = noise, noise
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its children end with it
	must(t, cmd.Start())
	for _, file := range []*os.File{fromUs, toUs, noise} {
		must(t, file.Close())
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserTime)
	b := &browser{t: t, cmd: cmd, ctx: ctx, to: to, answers: make(map[int]chan devtoolsMessage), tabs: make(map[string]*tab), read: make(chan struct{})}
	go b.listen(from)
	t.Cleanup(func() {
		cancel()
		b.end()
		must(t, from.Close())
		_ = to.Close()
		if t.Failed() {
			said, _ := os.ReadFile(noise.Name())
			for line := range strings.Lines(string(said)) {
				if !strings.Contains(line, "dbus") { // of which a machine for tests has none
					t.Log(strings.TrimSpace(line))
				}
			}
		}
	})
	return b
}

// end ends the browser and its children.
func (b *browser) end() {
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	_ = b.cmd.Wait()
	<-b.read
	// Its children may take a moment to be gone, and they still write into the
	// folder that the test is about to remove.
	for range 100 {
		if syscall.Kill(-b.cmd.Process.Pid, 0) != nil {
			return
		}
		pause(20 * time.Millisecond)
	}
}

// pause waits for another program, of which nothing else tells that it is done.
func pause(d time.Duration) { <-time.After(d) }

// listen reads what the browser says.
func (b *browser) listen(from *os.File) {
	defer close(b.read)
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m devtoolsMessage
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if answer := b.answers[m.ID]; m.ID != 0 && answer != nil {
			delete(b.answers, m.ID)
			answer <- m
		} else if tab := b.tabs[m.Session]; tab != nil {
			tab.heard(m)
		}
		b.mu.Unlock()
	}
}

// command gives a command, and decodes its result.
func (b *browser) command(session, method string, params, result any) {
	b.t.Helper()
	must(b.t, b.try(session, method, params, result))
}

// try is a command that may fail.
func (b *browser) try(session, method string, params, result any) error {
	if params == nil {
		params = struct{}{}
	}
	coded, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer := make(chan devtoolsMessage, 1)
	b.mu.Lock()
	b.last++
	b.answers[b.last] = answer
	text, err := json.Marshal(devtoolsMessage{ID: b.last, Session: session, Method: method, Params: coded})
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-b.read:
		return fmt.Errorf("%s: the browser has gone", method)
	case <-b.ctx.Done():
		return fmt.Errorf("%s: no answer", method)
	}
}

// tab is a page in a browser.
type tab struct {
	*browser
	session string
	loaded  chan struct{}
	trouble []string // what the console said, and what was not loaded
}

// params are a command's.
type params = map[string]any

// open opens an empty tab.
func (b *browser) open() *tab {
	b.t.Helper()
	var target struct {
		ID string `json:"targetId"`
	}
	b.command("", "Target.createTarget", params{"url": "about:blank", "newWindow": true}, &target)
	var attached struct {
		Session string `json:"sessionId"`
	}
	b.command("", "Target.attachToTarget", params{"targetId": target.ID, "flatten": true}, &attached)
	page := &tab{browser: b, session: attached.Session, loaded: make(chan struct{}, 100)}
	b.mu.Lock()
	b.tabs[page.session] = page
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network", "Audits"} {
		page.do(domain+".enable", nil)
	}
	page.do("Emulation.setFocusEmulationEnabled", params{"enabled": true}) // as if it were in front
	return page
}

// heard takes an event. The browser's lock is held.
func (p *tab) heard(m devtoolsMessage) {
	switch m.Method {
	case "Page.loadEventFired":
		p.loaded <- struct{}{}
	case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Audits.issueAdded", "Network.loadingFailed":
		p.trouble = append(p.trouble, m.Method+" "+string(m.Params))
	}
}

// troubles returns what has gone wrong since it was last asked.
func (p *tab) troubles() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.trouble
	p.trouble = nil
	return list
}

func (p *tab) do(method string, v any) { p.t.Helper(); p.command(p.session, method, v, nil) }

// visit loads a page.
func (p *tab) visit(address string) {
	p.t.Helper()
	var gone struct {
		Error string `json:"errorText"`
	}
	p.command(p.session, "Page.navigate", params{"url": address}, &gone)
	if gone.Error != "" {
		p.t.Fatalf("%s: %s", address, gone.Error)
	}
	select {
	case <-p.loaded:
	case <-p.ctx.Done():
		p.t.Fatal("the page does not load")
	}
}

// eval evaluates an expression in the page.
func (p *tab) eval(expression string, into any) {
	p.t.Helper()
	must(p.t, p.tryEval(expression, into))
}

func (p *tab) tryEval(expression string, into any) error {
	var done struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	err := p.try(p.session, "Runtime.evaluate", params{"expression": expression, "returnByValue": true}, &done)
	switch {
	case err != nil:
		return err
	case done.Exception != nil:
		return fmt.Errorf("%s: %s", expression, done.Exception)
	case into == nil:
		return nil
	}
	return json.Unmarshal(done.Result.Value, into)
}

// text is what somebody reads in the page.
func (p *tab) text() string {
	p.t.Helper()
	var text string
	p.eval("document.body.innerText", &text)
	return text
}

// await waits until an expression is true.
func (p *tab) await(expression string) {
	p.t.Helper()
	for p.ctx.Err() == nil {
		var yes bool
		// A page that is being loaded again has nothing that could be asked.
		if err := p.tryEval("!!("+expression+")", &yes); err == nil && yes {
			return
		}
		pause(50 * time.Millisecond)
	}
	p.t.Fatalf("it never became true: %s\n%s", expression, p.text())
}

// screen makes the page as large as a screen, in light or dark, and takes a
// picture of the whole page for somebody to look at if POPGATE_SCREENSHOTS names
// a folder.
func (p *tab) screen(name string, width, height int, scheme string) {
	p.t.Helper()
	p.do("Emulation.setDeviceMetricsOverride", params{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
	p.do("Emulation.setEmulatedMedia", params{"features": []params{{"name": "prefers-color-scheme", "value": scheme}}})
	dir := os.Getenv("POPGATE_SCREENSHOTS")
	if dir == "" {
		return
	}
	var picture struct {
		Data []byte `json:"data"`
	}
	p.command(p.session, "Page.captureScreenshot", params{"format": "png", "captureBeyondViewport": true}, &picture)
	file := fmt.Sprintf("%s-%d-%s.png", strings.ReplaceAll(name, " ", "-"), width, scheme)
	must(p.t, os.WriteFile(filepath.Join(dir, file), picture.Data, 0o600))
}
