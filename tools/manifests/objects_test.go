package manifests

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// objects is a cluster, seen from one of its namespaces: a folder in which each object
// is the file NAMESPACE/KIND/NAME. Namespaces are in the namespace "".
type objects struct {
	folder, namespace string
}

func (o objects) path(kind, name string) string {
	return filepath.Join(o.folder, o.namespace, kind, name)
}

// place tells where an object is to be kept, for which its namespace must be there.
func (o objects) place(manifest []byte) (path string, err error) {
	var head meta.PartialObjectMetadata
	if err := yaml.Unmarshal(manifest, &head); err != nil {
		return "", err
	}
	if head.Kind == "Namespace" {
		return objects{o.folder, ""}.path(head.Kind, head.Name), nil
	}
	namespace := cmp.Or(head.Namespace, "default")
	_, err = os.Stat(objects{o.folder, ""}.path("Namespace", namespace))
	return objects{o.folder, namespace}.path(head.Kind, head.Name), err
}

func (o objects) keep(manifest []byte) error {
	path, err := o.place(manifest)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, manifest, 0o600)
}

// find reads an object.
func find[T any](o objects, kind, name string) (*T, error) {
	text, err := os.ReadFile(o.path(kind, name))
	if err != nil {
		return nil, err
	}
	object := new(T)
	return object, yaml.Unmarshal(text, object)
}

// names are those of all objects of a kind, of which there must be one.
func (o objects) names(kind string) (names []string, err error) {
	entries, err := os.ReadDir(o.path(kind, ""))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, err
}

// deployment finds "deployment/NAME", and all that its pods wait for.
func (o objects) deployment(resource string) (*apps.Deployment, error) {
	name, ok := strings.CutPrefix(resource, "deployment/")
	if !ok {
		return nil, fmt.Errorf("%q is no deployment", resource)
	}
	d, err := find[apps.Deployment](o, "Deployment", name)
	if err != nil {
		return nil, err
	}
	_, err = o.files(d.Spec.Template.Spec)
	return d, err
}

// pods are the names of those that have such labels, of which there must be one.
func (o objects) pods(selector labels.Selector) (pods []string, err error) {
	names, err := o.names("Deployment")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		d, err := o.deployment("deployment/" + name)
		if err != nil {
			return nil, err
		}
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			pods = append(pods, name)
		}
	}
	if pods == nil {
		return nil, fmt.Errorf("no pod has %q", selector)
	}
	return pods, nil
}

// files are what a pod has of the cluster, by their paths. It can't start without one.
func (o objects) files(pod core.PodSpec) (map[string]string, error) {
	files := make(map[string]string)
	for _, volume := range pod.Volumes {
		at, err := mountedAt(pod.Containers[0], volume.Name)
		if err != nil {
			return nil, err
		}
		switch {
		case volume.EmptyDir != nil:
		case volume.PersistentVolumeClaim != nil:
			_, err = find[core.PersistentVolumeClaim](o, "PersistentVolumeClaim", volume.PersistentVolumeClaim.ClaimName)
		case volume.Projected != nil:
			err = o.project(files, at, volume.Projected.Sources)
		default:
			err = fmt.Errorf("what is the volume %s?", volume.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// project adds the files that the sources of a volume lead to.
func (o objects) project(files map[string]string, at string, sources []core.VolumeProjection) error {
	for _, source := range sources {
		switch {
		case source.ConfigMap != nil && source.ConfigMap.Items == nil:
			config, err := find[core.ConfigMap](o, "ConfigMap", source.ConfigMap.Name)
			if err != nil {
				return err
			}
			for name, text := range config.Data {
				files[filepath.Join(at, name)] = text
			}
		case source.Secret != nil && source.Secret.Items != nil:
			secret, err := find[core.Secret](o, "Secret", source.Secret.Name)
			if err != nil {
				return err
			}
			for _, item := range source.Secret.Items {
				text, there := secret.Data[item.Key]
				if !there {
					return fmt.Errorf("the Secret %s has no %s", secret.Name, item.Key)
				}
				files[filepath.Join(at, item.Path)] = string(text)
			}
		default:
			return fmt.Errorf("what is %+v?", source)
		}
	}
	return nil
}

// mountedAt tells where a volume is in a container.
func mountedAt(c core.Container, volume string) (string, error) {
	at := slices.IndexFunc(c.VolumeMounts, func(m core.VolumeMount) bool { return m.Name == volume })
	if at < 0 || c.VolumeMounts[at].SubPath != "" {
		return "", fmt.Errorf("the volume %s is not mounted as a folder", volume)
	}
	return c.VolumeMounts[at].MountPath, nil
}
