package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKubectlIsStrict: what the stand-in doesn't know, and what isn't in the cluster,
// is an error.
func TestKubectlIsStrict(t *testing.T) {
	a := newApplied(t, "secret", nil)
	t.Chdir(a.here)
	run := func(line string) error { return kubectl(a.folder, strings.Fields(line), t.Output()) }
	for line, says := range map[string]string{
		"patch -k .":                                         "what is",
		"get pods":                                           "what is", // in which namespace?
		"apply -k . --wait":                                  "unknown flag: --wait",
		"apply -f service.yaml":                              "no such file",
		"apply -f kustomization.yaml":                        "doesn't know",
		"delete -f .":                                        "unknown shorthand",
		"-n popgate get pods,configmaps":                     "configmaps",
		"-n popgate get pods --watch":                        "unknown flag: --watch",
		"-n mail get pods":                                   "no such file",
		"-n popgate rollout pause deployment/popgate":        "rollout what",
		"-n popgate rollout status deployment/proxy":         "no such file",
		"-n popgate exec deployment/popgate -- sh":           "nothing else",
		"-n popgate exec deployment/popgate /popgate status": "nothing else",
		"-n popgate exec --stdin deployment/popgate -- /popgate status":          "unknown flag: --stdin",
		"-n popgate exec deployment/proxy -- /popgate status":                    "no such file",
		"-n popgate logs --selector app=popgate":                                 "no pod has",
		"-n popgate logs --selector app.kubernetes.io/name=popgate --follow":     "unknown flag: --follow",
		"-n popgate logs --prefix":                                               "which pods",
		"-n popgate create secret tls popgate-tls --cert=tls.crt --key=tls.key":  "already",
		"-n popgate create secret tls other --cert=tls.key --key=tls.crt":        "tls",
		"-n popgate create secret generic other --from-file=admin-token":         "no such file",
		"-n mail create secret generic popgate --from-file=tls.crt":              "no such file",
		"-n popgate create configmap other --from-file=config.hcl":               "what is create",
		"-n popgate create secret generic other --from-literal=admin-token=1234": "unknown flag",
	} {
		if err := run(line); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", line, err, says)
		}
	}
}

// TestKubectlKnowsManifests: commands that go well with the manifests as they are fail
// where one of those is another.
func TestKubectlKnowsManifests(t *testing.T) {
	a := newApplied(t, "secret", nil)
	t.Chdir(a.here)
	const status = "-n popgate rollout status deployment/popgate"
	for what, edit := range map[string]struct{ file, old, replacement, line, says string }{
		"Deployment": {"deployment.yaml", "Deployment\nmetadata:\n  name: popgate\n", "Deployment\nmetadata:\n  name: proxy\n", status, "Deployment/popgate: no such file"},
		"namespace":  {"kustomization.yaml", "namespace: popgate\n", "namespace: mail\n", status, "Deployment/popgate: no such file"},
		"ConfigMap":  {"deployment.yaml", "configMap:\n                  name: popgate\n", "configMap:\n                  name: proxy\n", status, "ConfigMap/proxy: no such file"},
		"Secret":     {"deployment.yaml", "name: popgate-tls\n", "name: tls\n", status, "Secret/tls: no such file"},
		"key":        {"deployment.yaml", "key: admin-token\n", "key: token\n", status, "has no token"},
		"volume":     {"deployment.yaml", "- name: etc\n              mount", "- name: config\n              mount", status, "not mounted"},
		"label":      {"deployment.yaml", "labels:\n        app.kubernetes.io/name: popgate\n    spec", "labels:\n        app.kubernetes.io/name: proxy\n    spec", "apply -k .", "doesn't match its pods"},
		"Service":    {"kustomization.yaml", "  - service.yaml\n", "", "-n popgate get pods,service", "Service: no such file"},
		"field":      {"service.yaml", "targetPort: pop3s", "target: pop3s", "apply -k .", "unknown field"},
	} {
		good := readFile(t, edit.file)
		write(t, edit.file, replaceOnce(t, good, edit.old, edit.replacement))
		// What is there before the manifests.
		cluster := t.TempDir()
		for _, dir := range []string{"Namespace", "popgate/Secret"} {
			if err := os.CopyFS(filepath.Join(cluster, dir), os.DirFS(filepath.Join(a.folder, dir))); err != nil {
				t.Fatal(err)
			}
		}
		err := kubectl(cluster, strings.Fields("apply -k ."), t.Output())
		if edit.line != "apply -k ." && err == nil {
			err = kubectl(cluster, strings.Fields(edit.line), t.Output())
		}
		if err == nil || !strings.Contains(err.Error(), edit.says) {
			t.Errorf("another %s: %v, want %q", what, err, edit.says)
		}
		write(t, edit.file, good)
	}
}
