package e2e

import (
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"
)

// nobody is the owner of mails where the tests run as root, since Dovecot refuses to open mailboxes as root.
const nobody = 65534

// setUsers picks the users that Dovecot's processes run as: started by root, the package's own and nobody for the
// mails; else the one user that there is.
func setUsers(t testing.TB, v *dovecotValues) {
	t.Helper()
	if os.Getuid() == 0 {
		v.UID, v.GID = nobody, nobody
		return
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	v.UID, v.GID = os.Getuid(), os.Getgid()
	v.Internal, v.InternalGroup = me.Username, group.Name
}

// own gives a file to the user that opens mailboxes.
func (d *dovecot) own(t testing.TB, path string) string {
	t.Helper()
	if os.Getuid() != 0 {
		return path
	}
	if err := os.Chown(path, d.uid, d.gid); err != nil {
		t.Fatal(err)
	}
	return path
}

// mailNames turns the file names of a Maildir (time.name.host:flags) into the names of the tests' mails, by time.
func mailNames(files []string) []string {
	slices.Sort(files)
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, strings.Split(file, ".")[1])
	}
	return names
}
