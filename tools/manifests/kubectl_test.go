package manifests

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// kubectl stands in for the real one, with a folder as the cluster. It knows what the
// README's commands are made of: all else, and an object that isn't there, is an error.
func kubectl(cluster string, args []string, out io.Writer) error {
	o := objects{folder: cluster}
	verbs := map[string]func(objects, *pflag.FlagSet, []string, io.Writer) error{"apply": apply, "delete": remove}
	if len(args) > 1 && args[0] == "-n" {
		o.namespace, args = args[1], args[2:]
		verbs = map[string]func(objects, *pflag.FlagSet, []string, io.Writer) error{
			"create": create, "exec": execute, "get": get, "logs": logs, "rollout": rollout,
		}
	}
	if len(args) == 0 || verbs[args[0]] == nil {
		return fmt.Errorf("what is %q?", args)
	}
	return verbs[args[0]](o, pflag.NewFlagSet(args[0], pflag.ContinueOnError), args[1:], out)
}

// parse reads the flags of a command, which has so many other words.
func parse(flags *pflag.FlagSet, args []string, words int) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != words {
		return fmt.Errorf("what is %s %q?", flags.Name(), flags.Args())
	}
	return nil
}

// kustomize makes the manifests of a folder.
func kustomize(dir string) (manifests [][]byte, err error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	for _, resource := range resources.Resources() {
		manifests = append(manifests, []byte(resource.MustYaml()))
	}
	return manifests, nil
}

func apply(o objects, flags *pflag.FlagSet, args []string, _ io.Writer) error {
	file, dir := flags.StringP("filename", "f", "", ""), flags.StringP("kustomize", "k", "", "")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	if (*file == "") == (*dir == "") {
		return errors.New("apply either -f or -k")
	}
	manifest, err := os.ReadFile(*file)
	manifests := [][]byte{manifest}
	if *dir != "" {
		manifests, err = kustomize(*dir)
	}
	if err != nil {
		return err
	}
	for _, manifest := range manifests {
		var b bundle
		if err := b.add(manifest); err != nil {
			return err
		}
		if slices.ContainsFunc(b.deployments, func(d *apps.Deployment) bool { return !knowsItsPods(d) }) {
			return errors.New("the Deployment's selector doesn't match its pods")
		}
		if err := o.keep(manifest); err != nil {
			return err
		}
	}
	return nil
}

func knowsItsPods(d *apps.Deployment) bool {
	selector, err := meta.LabelSelectorAsSelector(d.Spec.Selector)
	return err == nil && !selector.Empty() && selector.Matches(labels.Set(d.Spec.Template.Labels))
}

func remove(o objects, flags *pflag.FlagSet, args []string, _ io.Writer) error {
	dir := flags.StringP("kustomize", "k", "", "")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	manifests, err := kustomize(*dir)
	if err != nil {
		return err
	}
	namespaces := filepath.Dir(o.path("Namespace", "any"))
	for _, manifest := range slices.Backward(manifests) { // a namespace goes after what is in it
		path, err := o.place(manifest)
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		if filepath.Dir(path) == namespaces {
			if err := os.RemoveAll(filepath.Join(o.folder, filepath.Base(path))); err != nil {
				return err
			}
		}
	}
	return nil
}

func create(o objects, flags *pflag.FlagSet, args []string, _ io.Writer) error {
	files := flags.StringArray("from-file", nil, "")
	cert, key := flags.String("cert", "", ""), flags.String("key", "", "")
	if err := parse(flags, args, 3); err != nil {
		return err
	}
	secret := core.Secret{
		TypeMeta:   meta.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: meta.ObjectMeta{Namespace: o.namespace, Name: flags.Arg(2)},
		Data:       make(map[string][]byte),
	}
	from := make(map[string]string)
	switch what := flags.Arg(0) + " " + flags.Arg(1); {
	case what == "secret generic" && *cert+*key == "":
		for _, file := range *files {
			from[filepath.Base(file)] = file
		}
	case what == "secret tls" && *files == nil:
		if _, err := tls.LoadX509KeyPair(*cert, *key); err != nil {
			return err
		}
		secret.Type = core.SecretTypeTLS
		from[core.TLSCertKey], from[core.TLSPrivateKeyKey] = *cert, *key
	default:
		return fmt.Errorf("create what? %q", args)
	}
	for name, file := range from {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		secret.Data[name] = text
	}
	if _, err := os.Stat(o.path("Secret", secret.Name)); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the Secret %s is there already", secret.Name)
	}
	manifest, err := yaml.Marshal(secret)
	if err != nil {
		return err
	}
	return o.keep(manifest)
}

func get(o objects, flags *pflag.FlagSet, args []string, out io.Writer) error {
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	for kind := range strings.SplitSeq(flags.Arg(0), ",") {
		var names []string
		err := fmt.Errorf("get what? %q", kind)
		switch kind {
		case "pods":
			names, err = o.pods(labels.Everything())
		case "service":
			names, err = o.names("Service")
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(out, kind, names)
	}
	return nil
}

func rollout(o objects, flags *pflag.FlagSet, args []string, _ io.Writer) error {
	if err := parse(flags, args, 2); err != nil {
		return err
	}
	if !slices.Contains([]string{"restart", "status", "undo"}, flags.Arg(0)) {
		return fmt.Errorf("rollout what? %q", flags.Arg(0))
	}
	_, err := o.deployment(flags.Arg(1))
	return err
}

// execute runs popgate in the environment of its caller, which leads to the one that
// serves.
func execute(o objects, flags *pflag.FlagSet, args []string, out io.Writer) error {
	dash := slices.Index(args, "--")
	if dash < 0 || len(args) < dash+2 || args[dash+1] != "/popgate" {
		return fmt.Errorf("the image has /popgate and nothing else: %q", args)
	}
	if err := parse(flags, args[:dash], 1); err != nil {
		return err
	}
	if _, err := o.deployment(flags.Arg(0)); err != nil {
		return err
	}
	cmd := exec.Command(os.Getenv("POPGATE"), args[dash+2:]...)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

func logs(o objects, flags *pflag.FlagSet, args []string, out io.Writer) error {
	chosen := flags.String("selector", "", "")
	flags.Bool("prefix", false, "")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	selector, err := labels.Parse(*chosen)
	if err != nil || selector.Empty() {
		return fmt.Errorf("logs of which pods? %q: %v", *chosen, err)
	}
	pods, err := o.pods(selector)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "logs of", pods)
	return nil
}
