package manifests

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
)

// etc makes the folder that the pod has as /etc/popgate: from the ConfigMap, and from
// the Secrets that the commands of the README make.
func (c *cluster) etc(t *testing.T) string {
	t.Helper()
	at := slices.IndexFunc(c.pod.Spec.Volumes, func(v core.Volume) bool { return v.Name == "etc" })
	if at < 0 || mountedAt(t, c.container, "etc") != "/etc/popgate" {
		t.Fatal("popgate has no /etc/popgate")
	}
	volume := c.pod.Spec.Volumes[at].Projected
	if *volume.DefaultMode != 0o440 {
		t.Errorf("the mode of secret files is %o", *volume.DefaultMode)
	}
	files, secrets := make(map[string]string), readmeSecrets(t)
	for _, source := range volume.Sources {
		switch {
		case source.ConfigMap != nil:
			if source.ConfigMap.Name != c.configs[0].Name {
				t.Fatalf("there is no ConfigMap %s", source.ConfigMap.Name)
			}
			maps.Copy(files, c.configs[0].Data)
		case source.Secret != nil:
			for _, item := range source.Secret.Items {
				text, there := secrets[source.Secret.Name][item.Key]
				if !there {
					t.Fatalf("the README makes no Secret %s with %s", source.Secret.Name, item.Key)
				}
				files[item.Path] = text
			}
		default:
			t.Fatalf("this test doesn't know %+v", source)
		}
	}
	return project(t, files, fs.FileMode(*volume.DefaultMode))
}

// project makes a folder of files as the kubelet does: links to files in a folder that
// is a link itself, so that all change at once.
func project(t *testing.T, files map[string]string, mode fs.FileMode) string {
	t.Helper()
	const data, now = "..data", "..2026_03_02_09_00_00.1"
	dir := t.TempDir()
	link := func(to, name string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
	}
	link(now, filepath.Join(dir, data))
	for name, text := range files {
		path := filepath.Join(dir, now, name)
		write(t, path, text)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(name, "/")
		if _, err := os.Lstat(filepath.Join(dir, first)); err != nil {
			link(filepath.Join(data, first), filepath.Join(dir, first))
		}
	}
	return dir
}

// mountedAt tells where a volume is in a container.
func mountedAt(t *testing.T, c *core.Container, volume string) string {
	t.Helper()
	at := slices.IndexFunc(c.VolumeMounts, func(m core.VolumeMount) bool { return m.Name == volume })
	if at < 0 || c.VolumeMounts[at].SubPath != "" {
		t.Fatalf("the volume %s is not mounted as a folder", volume)
	}
	return c.VolumeMounts[at].MountPath
}

// kubectl stands in for the real one: it keeps the Secrets that are to be created as
// folders. Of the rest it knows what the README says, and whether popgate has such a command.
const kubectl = `#!/bin/sh -e
case "$*" in
"-n popgate create secret "*) shift 4; kind=$1 name=$2; shift 2; mkdir "$SECRETS/$name" ;;
"apply -f namespace.yaml" | "apply -k ." | "delete -k ." | "-n popgate rollout status deployment/popgate") exit ;;
"-n popgate get pods,service" | "-n popgate logs --selector app.kubernetes.io/name=popgate --prefix") exit ;;
"-n popgate exec deployment/popgate -- /popgate "*) shift 6; exec "$POPGATE" "$@" --help ;;
*) echo "kubectl: what is $*?" >&2; exit 1 ;;
esac
for option; do
	case "$kind $option" in
	"generic --from-file="*=*) exit 1 ;;
	"generic --from-file="*) cp "${option#--from-file=}" "$SECRETS/$name/" ;;
	"tls --cert="*) cp "${option#--cert=}" "$SECRETS/$name/tls.crt" ;;
	"tls --key="*) cp "${option#--key=}" "$SECRETS/$name/tls.key" ;;
	*) exit 1 ;;
	esac
done
`

// readmeSecrets runs all commands of the README, where there are a
// certificate and its key, and returns the Secrets' keys by their names.
func readmeSecrets(t *testing.T) map[string]map[string]string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"bin", "here", "secrets"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "bin/kubectl"), kubectl)
	if err := os.Chmod(filepath.Join(dir, "bin/kubectl"), 0o700); err != nil {
		t.Fatal(err)
	}
	writePair(t, filepath.Join(dir, "here"))

	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(readFile(t, kubernetes+"/README.md"), -1)
	if len(blocks) < 5 {
		t.Fatalf("only %d blocks: is this test blind?", len(blocks))
	}
	for _, block := range blocks {
		cmd := exec.Command("sh", "-e", "-c", block[1])
		cmd.Dir = filepath.Join(dir, "here")
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
			"SECRETS="+filepath.Join(dir, "secrets"), "POPGATE="+program)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v of\n%s%s", err, block[1], out)
		}
	}
	if left := regularFiles(t, filepath.Join(dir, "here")); !slices.Equal(left, []string{"tls.crt", "tls.key"}) {
		t.Errorf("the README's commands leave behind %q", left)
	}
	secrets := make(map[string]map[string]string)
	for _, path := range regularFiles(t, filepath.Join(dir, "secrets")) {
		name, key := filepath.Split(path)
		name = filepath.Clean(name)
		if secrets[name] == nil {
			secrets[name] = make(map[string]string)
		}
		secrets[name][key] = readFile(t, filepath.Join(dir, "secrets", path))
	}
	return secrets
}

// writePair makes tls.crt and tls.key for the host of the configurations.
func writePair(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"pop.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "tls.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, filepath.Join(dir, "tls.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// write makes a file that nobody else reads, and the folders above it.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// regularFiles are the files below a folder, in the order of their names.
func regularFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
