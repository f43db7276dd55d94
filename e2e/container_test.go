package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestContainerPage follows docs/install.md with a Docker engine: every block of shell that stands there under
// "Container", first with the environment, which starts an order for a certificate, then with a file.
func TestContainerPage(t *testing.T) {
	t.Parallel()
	m := startMachine(t)
	m.clone(t)
	joe := m.mailServer(t)
	m.docker(t)
	m.mailServerAt(t, "10.0.0.5")
	page := section(t, "../docs/install.md", "Container")
	blocks := shellBlocks(t, page, 5)
	image, run, check, use, end := blocks[0], blocks[1], blocks[2], blocks[3], blocks[4]

	m.sh(t, "cd popgate\n"+image)
	m.sh(t, run)
	eventually(t, "an order has failed", func() bool {
		return strings.Contains(m.sh(t, "docker logs popgate 2>&1"), "certificate order failed")
	})
	if out, code := m.try(t, "docker exec popgate /popgate cert check"); code == 0 || !strings.Contains(out, "pop.example.com") {
		t.Errorf("cert check, with no way to the CA: exit code %d, %s", code, out)
	}
	m.ends(t, end)

	// "leave the variables out and mount the folder".
	mount := regexp.MustCompile("`(-v /srv/popgate-etc:\\S+)`").FindStringSubmatch(page)
	variables := regexp.MustCompile(`(?m)^ *-e POPGATE_.*\\$`)
	if mount == nil || len(variables.FindAllString(run, -1)) != 1 {
		t.Fatalf("the page doesn't say how to run it with a file: %s", run)
	}
	m.sh(t, "mkdir -m 755 /srv/popgate-etc")
	write(t, m.file("/srv/popgate-etc/config.hcl"), "tls { self_signed = true }\nbackend \"old\" { address = \"10.0.0.5:110\" }\n")
	m.sh(t, check)
	m.sh(t, variables.ReplaceAllLiteralString(run, mount[1]+` \`))
	m.fetches(t, joe)
	if out := m.sh(t, use); !strings.Contains(out, "old") {
		t.Errorf("its status doesn't know the backend: %s", out)
	}
	m.fetches(t, joe)
	// Docker asks every 30 seconds.
	if out := m.sh(t, "for i in $(seq 60); do docker inspect -f '{{.State.Health.Status}}' popgate; sleep 1; done | grep -m 1 -v starting"); out != "healthy\n" {
		t.Errorf("its health is %q: %s", out, m.sh(t, "docker logs popgate 2>&1"))
	}
	log := m.sh(t, "docker logs popgate 2>&1")
	if !strings.Contains(log, "popgate: reloaded") || strings.Contains(log, "[ERROR]") || !strings.Contains(log, "self-signed certificate in use") {
		t.Errorf("it wrote\n%s", log)
	}
	m.ends(t, end)
}

// ends runs the block that stops and removes the container, which must be in order.
func (m *machine) ends(t *testing.T, block string) {
	t.Helper()
	stop, remove, found := strings.Cut(block, "docker rm")
	if !found {
		t.Fatalf("nothing is removed by %s", block)
	}
	if code := m.sh(t, stop+"docker inspect -f '{{.State.ExitCode}}' popgate | tail -n 1"); !strings.HasSuffix(code, "\n0\n") {
		t.Errorf("it ended with %s: %s", code, m.sh(t, "docker logs popgate 2>&1"))
	}
	m.sh(t, "docker rm"+remove)
}

// TestComposePage follows the README of deploy/compose, with Docker's own Compose and, in the place of the image of
// Dovecot, one that is made of Debian's.
func TestComposePage(t *testing.T) {
	t.Parallel()
	m := startMachine(t)
	m.clone(t)
	m.docker(t)
	if _, code := m.try(t, "docker compose version"); code != 0 {
		missing(t, "Docker's Compose is not installed; .ci/run builds it of tools/compose")
	}
	m.dovecotImage(t)
	const page = "../deploy/compose/README.md"
	edit := shellBlocks(t, section(t, page, "Edit"), 1)
	check := shellBlocks(t, section(t, page, "Check"), 4)
	const there = "cd popgate/deploy/compose\n"

	// It asks for the password twice, at the terminal if there is one.
	joe := account{"joe@example.com", newPassword()}
	write(t, m.file("/tmp/edit"), edit[0])
	m.sh(t, there+fmt.Sprintf("printf '%%s\\n%%s\\n' '%[1]s' '%[1]s' | setsid --wait sh -e /tmp/edit", joe.password))
	trial := regexp.MustCompile("(?s)```hcl\ntls \\{\n(.*?)\n\\}\n```").FindStringSubmatch(section(t, page, "Edit"))
	acme := regexp.MustCompile(`(?s)\n  acme \{.*?\n  \}`)
	config := m.file("/root/popgate/deploy/compose/popgate/config.hcl")
	text := readFile(t, config)
	if trial == nil || len(acme.FindAllString(text, -1)) != 1 {
		t.Fatalf("there is not one acme block to be replaced in\n%s", text)
	}
	write(t, config, acme.ReplaceAllLiteralString(text, "\n"+trial[1]))

	m.sh(t, there+shellBlocks(t, section(t, page, "Apply"), 1)[0])
	m.sh(t, "for i in $(seq 300); do docker exec popgate-popgate-1 /popgate health && exit; sleep 0.1; done; exit 1")
	m.sh(t, there+check[0])
	m.sh(t, there+check[1])
	fetch := strings.ReplaceAll(check[2], "--user joe@example.com", "--silent --show-error --insecure --resolve pop.example.com:995:127.0.0.1 --user 'joe@example.com:"+joe.password+"'")
	if out := m.sh(t, fetch); out != "Subject: it works\r\n\r\nHello.\r\n" {
		t.Errorf("fetched %q", out)
	}
	if _, code := m.try(t, strings.ReplaceAll(fetch, joe.password, newPassword())); !(curl{}).refused(result{code: code}) {
		t.Errorf("another password: exit code %d", code)
	}
	m.sh(t, there+check[3])
	if log := m.sh(t, "docker logs popgate-popgate-1 2>&1"); !regexp.MustCompile(`event=login result=ok .*user=joe@example.com`).MatchString(log) || strings.Contains(log, "[ERROR]") {
		t.Errorf("popgate wrote\n%s", log)
	}

	m.sh(t, there+shellBlocks(t, section(t, page, "Upgrade"), 1)[0])
	if out := m.sh(t, fetch); !strings.Contains(out, "it works") {
		t.Errorf("fetched after the upgrade: %q", out)
	}
	m.sh(t, there+shellBlocks(t, section(t, page, "Remove"), 1)[0])
	if out := m.sh(t, "docker ps --all --quiet"); out != "" {
		t.Errorf("still there: %s", out)
	}
	if out := m.sh(t, "docker volume ls --quiet"); !strings.Contains(out, "popgate_mail") || !strings.Contains(out, "popgate_popgate") {
		t.Errorf("mail and certificates are gone, here is %q", out)
	}
}

// docker starts the machine's Docker engine, which has nothing but an image of Go to build in: no registry is reached.
func (m *machine) docker(t *testing.T) {
	t.Helper()
	need(t, "dockerd")
	need(t, "docker")
	need(t, "busybox")
	m.sh(t, `# overlay2 needs something else than an overlay below it.
mkdir -p /var/lib/docker
mount -t tmpfs tmpfs /var/lib/docker
systemctl start docker
root=$(mktemp -d)
mkdir -p $root/bin $root/tmp $root/root $root/etc/ssl/certs $root/usr/local
cp -a "$(go env GOROOT)" $root/usr/local/go
cp "$(command -v busybox)" $root/bin/busybox
chroot $root /bin/busybox --install -s /bin
cp -L /etc/ssl/certs/ca-certificates.crt $root/etc/ssl/certs/
cd popgate
GOPROXY=file://$(go env GOMODCACHE)/cache/download GOSUMDB=off GOMODCACHE=$root/fresh GOFLAGS=-modcacherw go mod download
mv $root/fresh/cache/download $root/modules
rm -r $root/fresh
tar -C $root -c . | docker import --change 'ENV PATH=/usr/local/go/bin:/bin GOPROXY=file:///modules GOSUMDB=off GOTOOLCHAIN=local' - golang:1.26
rm -r $root
`)
}

// dovecotImage makes the image that compose.yaml names of the machine's own Dovecot.
func (m *machine) dovecotImage(t *testing.T) {
	t.Helper()
	need(t, "dovecot")
	image := regexp.MustCompile(`image: (dovecot/dovecot:\S+)`).FindStringSubmatch(readFile(t, "../deploy/compose/compose.yaml"))
	if image == nil {
		t.Fatal("compose.yaml has no image of Dovecot")
	}
	m.sh(t, `root=$(mktemp -d)
mkdir -p $root/usr $root/run $root/tmp $root/var/lib/dovecot $root/srv/mail
chown 1000:1000 $root/srv/mail
ln -s usr/lib $root/lib
ln -s usr/lib64 $root/lib64
cd /
programs='usr/sbin/dovecot usr/bin/doveadm usr/bin/doveconf usr/lib/dovecot'
cp -a --parents $programs usr/share/dovecot etc/passwd etc/group etc/nsswitch.conf usr/lib64 $root
find $programs -type f -exec ldd {} + 2> /dev/null | grep -o '/[^ ]*\.so[^ ]*' | xargs readlink -f | sort -u | grep -v dovecot | while read -r library; do
	cp -a --parents --no-clobber "${library%.so*}.so"* $root
done
tar -C $root -c . | docker import --change 'CMD ["/usr/sbin/dovecot", "-F"]' - `+image[1]+`
rm -r $root
`)
}
