package admin

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

// The status page. Its style and its script stand in it, so that it is one file
// for a browser; here they are files of their own, because html/template would
// cut comments out of them, and their sums would be others.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageStyle template.CSS
	//go:embed page.js
	pageScript template.JS
)

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"count": count[int], "countBig": count[uint64], "octets": octets[int64], "octetsBig": octets[uint64], "brief": brief, "sign": sign, "words": words, "few": few,
}).Parse(pageHTML))

// pagePolicy lets a browser do what the page does itself, and nothing that a
// foreign text in it might bring, if ever one got through.
var pagePolicy = "default-src 'none'; style-src " + sourceOf(string(pageStyle)) + "; script-src " + sourceOf(string(pageScript)) +
	"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// sourceOf names a text that stands in a page, as Content-Security-Policy does.
func sourceOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// showPage answers with the status page.
func (s *Server) showPage(w http.ResponseWriter, r *http.Request) error {
	blocks := s.logins.Blocks(r.Context())
	view := newPage(s.overview(r.Context(), len(blocks)), trusted(r.Context()))
	view.TokenSet = s.access.Load().Token != ""
	view.addBlocks(blocks)
	view.addSessions(s.sessions.Sessions())
	view.LogUntil = s.logLevel().Until
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, view); err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	s.deliver(w, http.StatusOK, "text/html; charset=utf-8", body.Bytes())
	return nil
}

// page is what the template is given: all facts, and nothing too long. Texts in
// it may be foreign; html/template sees to them.
type page struct {
	Style  template.CSS
	Script template.JS

	Status
	Trusted  bool       // it shows users' names
	TokenSet bool       // there is a token, with which it would
	LogUntil *time.Time // see LogLevel
	Problems []pageProblem

	Open, LoggedIn int // sessions
	Listeners      rows[pageCount]
	Tenants        rows[pageCount]
	Chart          loginChart

	BackendRows     rows[Backend]
	BackendsUp      int
	CertificateRows rows[Certificate]
	CertificatesOK  int
	BlockRows       rows[Block]
	SessionRows     rows[Session] // the latest first
}

// pageProblem is something that a human should look at.
type pageProblem struct {
	Where string // the id of a section
	Text  string
}

// pageCount is how many sessions a listener or a tenant has.
type pageCount struct {
	Name                  string
	BeforeLogin, LoggedIn int
}

// Total is how many sessions there are.
func (c pageCount) Total() int { return c.BeforeLogin + c.LoggedIn }

// maxRows is how long a table can be.
const maxRows = 50

// rows are the first of a list.
type rows[T any] struct {
	List []T
	More int // how many were left out
}

func firstOf[T any](all []T) rows[T] {
	n := min(len(all), maxRows)
	return rows[T]{List: all[:n], More: len(all) - n}
}
