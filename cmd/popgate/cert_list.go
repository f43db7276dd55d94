package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/internal/metrics"
	"popgate/tlsconf"
)

// certificateList is what `popgate cert list --json` writes.
type certificateList struct {
	Running      bool                `json:"running"` // false: this is from the cache
	Certificates []admin.Certificate `json:"certificates"`
}

// certList shows all certificates.
func certList(ctx context.Context, c *call) error {
	client, list, err := c.running(ctx)
	if err != nil {
		return err
	}
	if client == nil {
		cfg, err := c.configuration()
		if err != nil {
			return err
		}
		c.sayNotRunning("showing what the files and the certificate cache hold")
		desk, err := deskOf(cfg)
		if err != nil {
			return err
		}
		list = desk.printable()
	}
	return c.show(certificateList{client != nil, append([]admin.Certificate{}, list...)}, func(w io.Writer) error {
		return certificateTable(list, time.Now()).write(w)
	})
}

// deskOf is the desk of a popgate that doesn't run: files, and what the cache
// holds. Nothing is changed on disk.
func deskOf(cfg *config.Config) (*certificateDesk, error) {
	with := newLasting(hclog.NewNullLogger(), metrics.New())
	source, err := newCertificates(cfg, with)
	if err != nil {
		return nil, err
	}
	if acme := cfg.TLS.ACME; acme != nil {
		// Source makes do without what it can't read, as a server must; here it
		// would be shown as missing.
		if err := readable(tlsconf.NewFolder(acme.Cache, acme.Directory).Path()); err != nil {
			return nil, fmt.Errorf("certificate cache: %w", err)
		}
	}
	desk := &certificateDesk{current: new(atomic.Pointer[tlsconf.Source]), automatic: with.automatic}
	desk.current.Store(source)
	return desk, nil
}

// printable is the list as a running popgate would send it.
func (d *certificateDesk) printable() []admin.Certificate {
	list := d.List()
	for i := range list {
		list[i] = list[i].Printable()
	}
	return list
}

// readable tells why this user can't read a cache's folder; one that isn't there
// is fine.
func readable(folder string) error {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Type() != fs.FileMode(0) || strings.HasPrefix(entry.Name(), ".") {
			continue // no entry of a cache
		}
		file, err := os.Open(filepath.Join(folder, entry.Name()))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		_ = file.Close()
	}
	return nil
}

// The most that texts of unknown length may take where they can't be whole, in
// characters.
const (
	maxNameCell  = 50
	maxErrorCell = 60
)

// certificateTable shows certificates to people.
func certificateTable(list []admin.Certificate, now time.Time) *table {
	t := newTable("HOST", "SOURCE", "ISSUER", "NOT AFTER", "DAYS LEFT", "STATE", "LAST ERROR", "NEXT TRY")
	t.beneath, t.spare, t.cut = []string{"LAST ERROR"}, []string{"ISSUER", "SOURCE", "DAYS LEFT"}, []string{"HOST"}
	for _, c := range list {
		days := ""
		if c.DaysLeft != nil {
			days = strconv.Itoa(*c.DaysLeft)
		}
		t.add(hostCell(c), sourceCell(c), c.Issuer, short(c.NotAfter), days, c.State, problemCell(c.LastError), tryCell(c, now))
	}
	return t
}

// row joins cells, of which none is empty: that could not be seen.
func row(cells ...string) string {
	for i, cell := range cells {
		if cell == "" {
			cells[i] = "-"
		}
	}
	return strings.Join(cells, "\t")
}

// hostCell is the host of a certificate, or the names that a pair of files is
// for.
func hostCell(c admin.Certificate) string {
	switch c.Source {
	case admin.SourceFile:
		return strings.Join(c.Names, " ")
	case admin.SourceSelfSigned:
		return "(any other)"
	}
	return c.Name
}

// sourceCell is where a certificate comes from, with the label of its block.
func sourceCell(c admin.Certificate) string {
	if c.Source == admin.SourceFile {
		return fmt.Sprintf("%s %q", c.Source, c.Name)
	}
	return c.Source
}

func problemCell(p *admin.Problem) string {
	if p == nil {
		return ""
	}
	return joined(p.Type, p.Detail)
}

// joined is a CA's type of a problem and its detail, of which either may be
// missing.
func joined(kind, detail string) string {
	return strings.Trim(kind+": "+detail, ": ")
}

// tryCell is when the next order is due: "now" if a popgate that runs would make
// it, or is making it.
func tryCell(c admin.Certificate, now time.Time) string {
	switch {
	case c.Source != admin.SourceACME:
		return ""
	case c.NextTry == nil || c.NextTry.Before(now):
		return "now"
	}
	return short(c.NextTry)
}

// short is a time in UTC to the minute.
func short(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04Z")
}

// oneLine makes text fit for a line of a terminal: without control characters,
// and of so many characters at most.
func oneLine(text string, most int) string {
	letters := []rune(text)
	if len(letters) > most {
		letters = append(letters[:most-1:most-1], '…')
	}
	for i, r := range letters {
		switch {
		case unicode.IsSpace(r):
			letters[i] = ' '
		case !unicode.IsPrint(r):
			letters[i] = unicode.ReplacementChar
		}
	}
	return string(letters)
}
