//go:build unix

package admin

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// moving is a program whose number of sessions changes, and which counts how
// often it is asked.
type moving struct {
	stock
	open  *atomic.Int64
	asked *atomic.Int64
}

func newMoving(p stock) moving { return moving{p, new(atomic.Int64), new(atomic.Int64)} }

func (m moving) Status() Status {
	m.asked.Add(1)
	status := m.stock.Status()
	status.Sessions = []SessionCount{{State: SessionLoggedIn, Listener: "pop3s", Open: int(m.open.Load())}}
	return status
}

// sessionsIs tells a page's number of sessions from a script.
func sessionsIs(n string) string {
	return `document.querySelector("#to-sessions b")?.textContent === "` + n + `"`
}

// TestPageInBrowser: what the status page is to a browser. One browser for all,
// as it takes long to start.
func TestPageInBrowser(t *testing.T) {
	b := startBrowser(t)
	open, locked := newMoving(troubled()), newMoving(calm())
	openServer, _ := newServer(t, open)
	lockedServer, log := newServer(t, locked)
	lockedServer.SetAccess(Access{Token: testToken})
	openAt, lockedAt := serveTCP(t, openServer), serveTCP(t, lockedServer)
	open.open.Store(1111)
	locked.open.Store(1111)

	plain := b.open()
	plain.do("Emulation.setScriptExecutionDisabled", params{"value": true})
	plain.visit("http://" + openAt + "/")
	wantFacts(t, plain.text(), "1,111", "west", "connection refused", "draining", "expired", "198.51.100.1", "20 more", "1,234", "4.0 KiB")
	if strings.Contains(plain.text(), "bob@acme.example") || strings.Contains(plain.text(), "user4@acme.example") {
		t.Error("whoever comes without a token sees users' names")
	}
	looks(plain, "problems")

	page := b.open()
	page.visit("http://anybody:" + testToken + "@" + lockedAt + "/")
	wantFacts(t, page.text(), "1,111", "user4@acme.example", "Refreshes every 5 seconds.")
	looks(page, "calm")
	wantNoTrouble(t, page, plain)

	follows(t, page, locked)
	hidden := hide(page, locked)
	// Meanwhile the page without a script has time to come again by itself.
	open.open.Store(2222)
	plain.await(sessionsIs("2,222"))
	if n := locked.asked.Load(); n != hidden {
		t.Errorf("the hidden page asked %d times", n-hidden)
	}
	wantNoTrouble(t, page, plain)

	must(t, lockedServer.Close())
	showAgain(page)
	page.await(`document.title.startsWith("No answer") && document.getElementById("live").className === "failed"`)
	wantFacts(t, page.text(), "popgate does not answer any more: this is how it was at ", "2,222")
	page.screen("dead", 1280, 900, "light")
	again, _ := newServer(t, locked)
	again.SetAccess(Access{Token: testToken})
	l, err := net.Listen("tcp", lockedAt)
	must(t, err)
	serveOn(t, again, l)
	locked.open.Store(3333)
	showAgain(page)
	page.await(sessionsIs("3,333") + ` && document.title.startsWith("Ready") && !document.querySelector(".failed")`)

	again.end(ErrShuttingDown)
	showAgain(page)
	page.await(`document.getElementById("live").textContent.startsWith("popgate refuses to show more (status 503)")`)
	log.want(t, 0, testToken)
}

// looks looks at a page on screens of several sizes, in light and dark.
func looks(page *tab, name string) {
	page.t.Helper()
	grounds := make(map[string]string)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{1280, 800, 360} {
			page.screen(name, width, 800, scheme)
			var needed int
			if page.eval("document.documentElement.scrollWidth", &needed); needed > width {
				page.t.Errorf("%s: the page needs %d pixels of %d", name, needed, width)
			}
		}
		var ground string
		page.eval("getComputedStyle(document.body).backgroundColor", &ground)
		grounds[ground] = scheme
	}
	if len(grounds) != 2 {
		page.t.Errorf("light and dark have one ground: %v", grounds)
	}
}

// follows checks that a page shows a new number without being asked to, and that
// nothing moves under whoever reads it.
func follows(t *testing.T, page *tab, p moving) {
	t.Helper()
	page.screen("follows", 800, 400, "light")
	page.eval(`document.getElementById("b-latest").focus(), scrollTo(0, 300), document.getElementById("b-latest").scrollTo(30, 0)`, nil)
	const place = `[document.activeElement.id, scrollX, scrollY, document.getElementById("b-latest").scrollLeft].join()`
	var before, after string
	page.eval(place, &before)
	p.open.Store(2222)
	page.await(sessionsIs("2,222"))
	page.eval(place, &after)
	if before != after || !strings.HasPrefix(before, "b-latest,0,300,") {
		t.Errorf("focus and scrolling were %s, and became %s", before, after)
	}
}

// hide makes a page believe that nobody sees it, and returns how often it has
// asked until then.
func hide(page *tab, p moving) int64 {
	page.t.Helper()
	page.eval(`Object.defineProperty(document, "hidden", { value: true, configurable: true }), document.dispatchEvent(new Event("visibilitychange")), 0`, nil)
	return p.asked.Load()
}

// showAgain makes a page believe that somebody sees it, which makes it refresh
// itself at once.
func showAgain(page *tab) {
	page.t.Helper()
	page.eval(`delete document.hidden, document.dispatchEvent(new Event("visibilitychange")), 0`, nil)
}

// wantNoTrouble fails if a console said anything, or anything wasn't loaded.
func wantNoTrouble(t testing.TB, pages ...*tab) {
	t.Helper()
	for _, page := range pages {
		for _, trouble := range page.troubles() {
			t.Error(trouble)
		}
	}
}
