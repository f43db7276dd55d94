package e2e

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// dovecotSettings is the configuration of a Dovecot 2.3 that speaks plain POP3 on one loopback port and keeps all it
// has in one folder.
//
// Its own login limits and delays are off: they would be counted against popgate's one address, as an administrator
// has to be told too, and they would hide what popgate does.
var dovecotSettings = template.Must(template.New("dovecot.conf").Parse(`
protocols = pop3
listen = 127.0.0.1
base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/state
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_chars =
auth_failure_delay = 0
mail_max_userip_connections = 0
mail_location = maildir:{{.Dir}}/mail/%u
mail_uid = {{.UID}}
mail_gid = {{.GID}}
first_valid_uid = 1
first_valid_gid = 1
pop3_no_flag_updates = yes
pop3_lock_session = {{if .Lock}}yes{{else}}no{{end}}
pop3_logout_format = deleted=%d of=%m
{{if .Internal}}
default_internal_user = {{.Internal}}
default_internal_group = {{.InternalGroup}}
default_login_user = {{.Internal}}
{{end}}
passdb {
  driver = passwd-file
  args = {{.Dir}}/users/%u
}
userdb {
  driver = static
  args = home={{.Dir}}/mail/%u
}
service anvil {
  chroot = 
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service pop3-login {
  chroot = 
  inet_listener pop3 {
    port = {{.Port}}
  }
  inet_listener pop3s {
    port = 0
  }
}
`))

// dovecot is a running Dovecot with mailboxes made by one test.
type dovecot struct {
	*process
	dir      string
	port     int
	uid, gid int
}

// dovecotOption changes how a Dovecot is set up.
type dovecotOption func(*dovecotValues)

// dovecotValues is what dovecotSettings is filled with.
type dovecotValues struct {
	Dir                     string
	Port, UID, GID          int
	Lock                    bool
	Internal, InternalGroup string
}

// locked lets only one session at a time into a mailbox, as most old servers do.
func locked(v *dovecotValues) { v.Lock = true }

// startDovecot runs a Dovecot of its own for the test, or ends the test where there is no Dovecot 2.3.
func startDovecot(t testing.TB, options ...dovecotOption) *dovecot {
	t.Helper()
	path := need(t, "dovecot")
	if out, err := exec.Command(path, "--version").Output(); err != nil || !strings.HasPrefix(string(out), "2.3.") {
		missing(t, "Dovecot 2.3 is needed, as other versions use other words; here is %q (%v)", out, err)
	}
	values := dovecotValues{Dir: folder(t), Port: freePort(t)}
	setUsers(t, &values)
	for _, option := range options {
		option(&values)
	}
	for _, name := range []string{"run", "state", "users", "mail"} {
		if err := os.Mkdir(filepath.Join(values.Dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var settings strings.Builder
	if err := dovecotSettings.Execute(&settings, values); err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(values.Dir, "dovecot.conf"), settings.String())
	d := &dovecot{dir: values.Dir, port: values.Port, uid: values.UID, gid: values.GID}
	d.own(t, filepath.Join(values.Dir, "mail"))
	d.process = start(t, "dovecot", exec.Command(path, "-F", "-c", file))
	awaitGreeting(t, d.process, d.port)
	return d
}

// mailbox must be called before the account's first login, as Dovecot remembers unknown names for a second.
func (d *dovecot) mailbox(t testing.TB, user string, mails []mail) account {
	t.Helper()
	return d.fill(t, account{user: user, password: newPassword()}, mails)
}

// fill gives the password to Dovecot as hexadecimal digits, so it can have any bytes.
func (d *dovecot) fill(t testing.TB, a account, mails []mail) account {
	t.Helper()
	write(t, filepath.Join(d.dir, "users", a.user),
		fmt.Sprintf("%s:{PLAIN.HEX}%s::::::\n", a.user, hex.EncodeToString([]byte(a.password))))
	box := d.maildir(a)
	for _, name := range []string{"", "tmp", "cur", "new"} {
		if err := os.Mkdir(filepath.Join(box, name), 0o755); err != nil {
			t.Fatal(err)
		}
		d.own(t, filepath.Join(box, name))
	}
	for i, m := range mails {
		// The time that a Maildir name starts with decides the order of the mails.
		d.own(t, write(t, filepath.Join(box, "new", fmt.Sprintf("%d.%s.example", 1700000000+i, m.name)), m.stored))
	}
	return a
}

// maildir returns the folder of the account's mails.
func (d *dovecot) maildir(a account) string { return filepath.Join(d.dir, "mail", a.user) }

// left looks at the Maildir on disk.
func (d *dovecot) left(t testing.TB, a account) []string {
	t.Helper()
	var names []string
	for _, sub := range []string{"new", "cur"} {
		files, err := filepath.Glob(filepath.Join(d.maildir(a), sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			names = append(names, filepath.Base(file))
		}
	}
	return mailNames(names)
}

// closed waits for the lines in which Dovecot reports the end of a mailbox session.
func (d *dovecot) closed(t testing.TB, n int) {
	t.Helper()
	d.log.wait(t, n, `pop3\(.*Disconnected: `)
}

func (d *dovecot) plain() endpoint {
	return endpoint{host: "127.0.0.1", port: d.port, security: noTLS}
}
