package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// root is the folder of the whole project.
const root = "../.."

// kubernetes is the folder of the manifests.
const kubernetes = root + "/deploy/kubernetes"

// bundle is all that one `kubectl apply -k` sends to a cluster.
type bundle struct {
	namespaces  []*core.Namespace
	configs     []*core.ConfigMap
	deployments []*apps.Deployment
	services    []*core.Service
	budgets     []*policy.PodDisruptionBudget
	networks    []*networking.NetworkPolicy
	volumes     []*core.PersistentVolumeClaim
}

// add decodes one manifest. Unknown, misspelt and repeated fields are errors.
func (b *bundle) add(manifest []byte) error {
	var head struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(manifest, &head); err != nil {
		return err
	}
	switch kind := head.APIVersion + " " + head.Kind; kind {
	case "v1 Namespace":
		return strict(manifest, &b.namespaces)
	case "v1 ConfigMap":
		return strict(manifest, &b.configs)
	case "apps/v1 Deployment":
		return strict(manifest, &b.deployments)
	case "v1 Service":
		return strict(manifest, &b.services)
	case "policy/v1 PodDisruptionBudget":
		return strict(manifest, &b.budgets)
	case "networking.k8s.io/v1 NetworkPolicy":
		return strict(manifest, &b.networks)
	case "v1 PersistentVolumeClaim":
		return strict(manifest, &b.volumes)
	default:
		return fmt.Errorf("this test doesn't know %s", kind)
	}
}

// strict decodes a manifest and adds it to a list.
func strict[T any](manifest []byte, list *[]*T) error {
	text, err := yaml.YAMLToJSONStrict(manifest)
	if err != nil {
		return err
	}
	object := new(T)
	problems, err := json.UnmarshalStrict(text, object)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("%v", problems)
	}
	*list = append(*list, object)
	return nil
}

// variants are the two ways in which the manifests can be applied.
var variants = []string{"secret", "acme"}

// edited are the files of the manifests, with acme as the README tells to choose it.
func edited(t *testing.T, variant string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range manifestFiles(t, "*") {
		files[name] = readFile(t, filepath.Join(kubernetes, name))
	}
	if variant == "acme" {
		files["kustomization.yaml"] = replaceOnce(t, files["kustomization.yaml"], "# components:\n#   - acme\n", "components:\n  - acme\n")
	}
	return files
}

// build makes what `kubectl apply -k` would send.
func build(t *testing.T, variant string) *bundle {
	t.Helper()
	files := filesys.MakeFsInMemory()
	for name, text := range edited(t, variant) {
		if err := files.WriteFile("/popgate/"+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/popgate")
	if err != nil {
		t.Fatal(err)
	}
	b := new(bundle)
	for _, resource := range resources.Resources() {
		if got := resource.GetNamespace(); got != "popgate" && resource.GetKind() != "Namespace" {
			t.Errorf("%s %s is in namespace %q", resource.GetKind(), resource.GetName(), got)
		}
		if err := b.add([]byte(resource.MustYaml())); err != nil {
			t.Fatalf("%s %s: %v", resource.GetKind(), resource.GetName(), err)
		}
	}
	if len(b.namespaces) != 1 || len(b.configs) != 1 || len(b.deployments) != 1 || len(b.services) != 1 || len(b.budgets) != 1 {
		t.Fatalf("one of each is expected: %+v", b)
	}
	return b
}

// manifestFiles are the names of files below deploy/kubernetes.
func manifestFiles(t *testing.T, pattern string) (names []string) {
	t.Helper()
	for _, dir := range []string{"", "acme/"} {
		found, err := filepath.Glob(filepath.Join(kubernetes, dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				names = append(names, dir+filepath.Base(path))
			}
		}
	}
	return names
}

// TestManifestsAreStrict: each file alone is what it says, too.
func TestManifestsAreStrict(t *testing.T) {
	names := manifestFiles(t, "*.yaml")
	for _, name := range names {
		if filepath.Base(name) == "kustomization.yaml" {
			continue // build reads it
		}
		if err := new(bundle).add([]byte(readFile(t, filepath.Join(kubernetes, name)))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(names) < 10 {
		t.Errorf("only %d files are found: is this test blind?", len(names))
	}
}

// TestStrictIsStrict: what Kubernetes would ignore is an error here.
func TestStrictIsStrict(t *testing.T) {
	good := readFile(t, filepath.Join(kubernetes, "service.yaml"))
	for name, bad := range map[string]string{
		"unknown field": replaceOnce(t, good, "  type: LoadBalancer\n", "  typ: LoadBalancer\n"),
		"another case":  replaceOnce(t, good, "  type: LoadBalancer\n", "  Type: LoadBalancer\n"),
		"twice":         replaceOnce(t, good, "  type: LoadBalancer\n", "  type: LoadBalancer\n  type: LoadBalancer\n"),
		"another type":  replaceOnce(t, good, "port: 995\n", "port: \"995\"\n"),
		"another kind":  replaceOnce(t, good, "kind: Service\n", "kind: Servant\n"),
	} {
		if new(bundle).add([]byte(bad)) == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replaceOnce replaces what must be in a text just once.
func replaceOnce(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if n := strings.Count(text, old); n != 1 {
		t.Fatalf("%q is there %d times, in\n%s", old, n, text)
	}
	return strings.Replace(text, old, replacement, 1)
}
