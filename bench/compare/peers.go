package main

import (
	"embed"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

// peer is a proxy that can be compared.
type peer struct {
	name        string
	debian      string   // packages that bring it; "" for popgate
	config      string   // template, and name of the file made from it
	args        []string // before the config file
	versionArgs []string
}

const popgate = "popgate"

// peers in the order of the table's rows.
var peers = []peer{
	{name: popgate, config: "config.hcl", args: []string{"serve", "--config"}, versionArgs: []string{"version"}},
	{name: "haproxy", debian: "haproxy", config: "haproxy.cfg", args: []string{"-db", "-f"}, versionArgs: []string{"-vv"}},
	{name: "nginx", debian: "nginx libnginx-mod-mail", config: "nginx.conf", args: []string{"-e", "stderr", "-c"}, versionArgs: []string{"-V"}},
}

func peerNames() []string {
	var names []string
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

// setup is what a configuration is made from.
type setup struct {
	Host              string // server name of the certificate
	Listen            string // host:port of the proxy
	Backend, Auth     string // host:port of the POP3 server and of nginx's auth_http
	CertFile, KeyFile string // PEM
	PairFile          string // certificate and key in one, as HAProxy wants them
	Dir               string // for files of the proxy's own
	Cores             int
	Sessions          int // at once, at most
	WorkerConnections int // nginx: client, backend and auth_http of all sessions, should one worker get them all
	MailModule        string
}

//go:embed templates
var templates embed.FS

// render makes the peer's configuration.
func (p peer) render(s setup) (string, error) {
	t, err := template.ParseFS(templates, "templates/"+p.config)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	if err := t.Execute(&text, s); err != nil {
		return "", err
	}
	return text.String(), nil
}

// find is the path of the peer's program.
func (p peer) find(popgatePath string) (string, error) {
	if p.name == popgate {
		return filepath.Abs(popgatePath)
	}
	path, err := exec.LookPath(p.name)
	if err != nil {
		// Debian keeps servers outside an ordinary user's PATH.
		path, err = exec.LookPath("/usr/sbin/" + p.name)
	}
	if err != nil {
		return "", fmt.Errorf("%s isn't installed; on Debian: apt-get install %s (or leave it out of --peers)", p.name, p.debian)
	}
	return path, nil
}

// about is what a program tells of itself.
type about struct {
	version string // its own, and that of its OpenSSL
	module  string // nginx: the mail module to load; "" if it is built in
}

var (
	versionNumber  = regexp.MustCompile(`\b\d+\.\d+\.\d+\S*`)
	versionOpenSSL = regexp.MustCompile(`OpenSSL \d\S*`)
	modulesPath    = regexp.MustCompile(`--modules-path=(\S+)`)
)

// parseAbout reads a program's version output. Where it names two versions of
// OpenSSL, the last is the one that it runs with.
func parseAbout(name, output string) about {
	first, _, _ := strings.Cut(output, "\n")
	version := versionNumber.FindString(first)
	if version == "" {
		version = strings.TrimSpace(strings.TrimPrefix(first, name))
	}
	a := about{version: strings.TrimSpace(name + " " + version)}
	if all := versionOpenSSL.FindAllString(output, -1); len(all) > 0 {
		a.version += " (" + all[len(all)-1] + ")"
	}
	if m := modulesPath.FindStringSubmatch(output); m != nil && strings.Contains(output, "--with-mail=dynamic") {
		a.module = m[1] + "/ngx_mail_module.so"
	}
	return a
}
