package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/tlsconf"
)

// finding is what a check has found. All its texts are for people, but for
// Check and Status.
type finding struct {
	Check  string `json:"check"`  // see the constants below
	Host   string `json:"host"`   // "": it is about none
	Status string `json:"status"` // statusOK and its neighbours
	Detail string `json:"detail"` // what is, in a line
	Hint   string `json:"hint"`   // how to mend it; "": there is nothing to mend
}

// The values of finding.Status. A warning is what may be right, but can't be
// told from here, or will make trouble later.
const (
	statusOK   = "ok"
	statusWarn = "warn"
	statusFail = "fail"
)

// The values of finding.Check. Challenges go by their types beside them, and
// addresses by their words of the configuration.
const (
	checkPopgate   = "popgate"   // whether one runs
	checkACME      = "acme"      // whether there is anything to order
	checkFiles     = "files"     // pairs of files
	checkFolder    = "cache"     // the folder for keys and certificates
	checkDirectory = "directory" // of the CA
	checkEAB       = "eab"       // the external account binding
	checkClock     = "clock"     // this machine's
	checkHost      = "host"      // whether one is ordered for
	checkName      = "name"      // what a host's name leads to
)

// certCheck tells what would come of orders, without making one.
func certCheck(ctx context.Context, c *call, hosts []string) error {
	if !c.given["config"] && !c.origin().environment && missing(c.path) {
		return usageError{fmt.Errorf("popgate cert check: it needs popgate's configuration, for the hosts, the CA and the cache: there is no %s here, --config says where it is", c.path)}
	}
	cfg, err := c.configuration()
	if err != nil {
		return err
	}
	found, err := c.check(ctx, newChecker(cfg), hosts)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("stopped before all was checked")
	}
	err = c.show(found, func(w io.Writer) error { return writeFindings(w, found) })
	if bad := failures(found); err == nil && len(bad) > 0 {
		err = fmt.Errorf("%d of %s failed", len(bad), count(len(found), "check"))
	}
	return err
}

// check makes all checks, those of the machine first.
func (c *call) check(ctx context.Context, k *checker, wanted []string) ([]finding, error) {
	client, _, err := c.running(ctx)
	if err != nil {
		return nil, err
	}
	found := []finding{{Check: checkPopgate, Status: statusOK, Detail: "a popgate answers on " + c.socket}}
	if client == nil {
		found[0].Detail = c.whyNotRunning()
	}
	pairs, about := checkPairs(c.cfg, k.now())
	found = append(found, about...)
	if c.cfg.TLS.ACME == nil {
		return append(found, finding{Check: checkACME, Status: statusOK,
			Detail: "there is no acme block: no certificate is ordered"}), nil
	}
	hosts, about := k.choose(wanted, pairs)
	found = slices.Concat(found, checkCache(c.cfg.TLS.ACME), k.checkCA(ctx))
	if client != nil {
		k.prober = client
		return slices.Concat(found, about, k.hosts(ctx, hosts)), nil
	}
	c.sayNotRunning("opening " + k.gates.String() + " for the moment")
	here, closeAll, err := substituteAt(ctx, k.gates)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	k.prober = here
	return slices.Concat(found, checkGates(k.gates), about, k.hosts(ctx, hosts)), nil
}

// writeFindings shows findings to people, a line each.
func writeFindings(w io.Writer, found []finding) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range found {
		text := f.Detail
		if f.Hint != "" {
			text += " → " + f.Hint
		}
		fmt.Fprintln(table, row(f.Status, f.Check, oneLine(f.Host, maxNameCell), oneLine(text, 3*maxDetail)))
	}
	return table.Flush()
}

// failures are the findings that are failures.
func failures(found []finding) (bad []finding) {
	for _, f := range found {
		if f.Status == statusFail {
			bad = append(bad, f)
		}
	}
	return bad
}

// choose returns the hosts to check, all or those that are wanted, and what
// there is to say of others. The pairs are those of files: what they cover
// needs no CA.
func (k *checker) choose(wanted []string, pairs []tlsconf.Certificate) (hosts []string, about []finding) {
	now := k.now()
	known := hostsOf(k.cfg)
	isKnown := func(host string) bool { _, found := slices.BinarySearch(known, host); return found }
	if len(wanted) == 0 {
		wanted = known
	}
	for _, host := range wanted {
		host = tlsconf.FoldHost(host)
		valid := func(c tlsconf.Certificate) bool { return covers(c.Names, host) && now.Before(c.NotAfter) }
		i := slices.IndexFunc(pairs, valid)
		switch {
		case i >= 0:
			about = append(about, finding{Check: checkHost, Host: host, Status: statusOK,
				Detail: fmt.Sprintf("its certificate comes from the files of %q: nothing is ordered, nothing checked", pairs[i].Name)})
		case !isKnown(host):
			about = append(about, finding{Check: checkHost, Host: host, Status: statusFail,
				Detail: unknownHostText(host, known), Hint: "add it to hosts in the acme block"})
		default:
			hosts = append(hosts, host)
		}
	}
	return hosts, about
}

// hostsOf are the hosts for which certificates may be ordered.
func hostsOf(cfg *config.Config) []string {
	var hosts []string
	for _, host := range acmeHosts(cfg) {
		// As tlsconf does: CAs issue for names of two labels or more.
		if orderable(host) {
			hosts = append(hosts, tlsconf.FoldHost(host))
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// prober makes the listeners at which CAs ask answer for a host for a minute, so
// that it can be seen who is there. An *admin.Client is one.
type prober interface {
	Probe(ctx context.Context, host string) (admin.Probe, error)
}
