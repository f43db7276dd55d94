package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose is the folder of the Compose project.
const compose = root + "/deploy/compose"

// loadCompose reads the project as Compose does: a word that it doesn't know, or a
// value of another type, is an error.
func loadCompose(t *testing.T, text string) (*types.Project, error) {
	t.Helper()
	dir := absolute(t, compose)
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml"), Content: []byte(text)}},
	})
}

func composeProject(t *testing.T) (project *types.Project, popgate, dovecot types.ServiceConfig) {
	t.Helper()
	project, err := loadCompose(t, readFile(t, compose+"/compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) != 2 {
		t.Fatalf("%d services", len(project.Services))
	}
	return project, project.Services["popgate"], project.Services["dovecot"]
}

// TestComposeIsStrict: what Compose doesn't know is an error.
func TestComposeIsStrict(t *testing.T) {
	good := readFile(t, compose+"/compose.yaml")
	for name, bad := range map[string]string{
		"unknown word":    strings.Replace(good, "    pids_limit:", "    pid_limit:", 1),
		"another type":    replaceOnce(t, good, "    pids_limit: 256\n", "    pids_limit: many\n"),
		"unknown network": replaceOnce(t, good, "networks: [outside, mail]", "networks: [outside, male]"),
		"twice":           replaceOnce(t, good, "    pids_limit: 256\n", "    pids_limit: 256\n    pids_limit: 256\n"),
	} {
		if _, err := loadCompose(t, bad); err == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

// TestComposeNetworks: clients reach popgate, at the ports where it listens, and
// nobody but popgate reaches Dovecot.
func TestComposeNetworks(t *testing.T) {
	project, popgate, dovecot := composeProject(t)
	listens := readSettings(t, readFile(t, compose+"/popgate/config.hcl")).addresses()
	leads := make(map[string]string)
	for _, port := range popgate.Ports {
		leads[port.Published] = fmt.Sprintf(":%d", port.Target)
	}
	if len(leads) != 2 || leads["995"] != listens["pop3s"] || leads["80"] != listens["http"] || len(listens) != 2 {
		t.Errorf("ports lead to %v, popgate listens at %v", leads, listens)
	}
	if len(dovecot.Ports) != 0 || dovecot.NetworkMode != "" || !slices.Equal(dovecot.NetworksByPriority(), []string{"mail"}) {
		t.Errorf("Dovecot is reached from elsewhere: %+v", dovecot.Networks)
	}
	if !project.Networks["mail"].Internal || project.Networks["outside"].Internal {
		t.Error("the network of passwords in clear must be internal, and that of the CA must not")
	}
	if _, there := popgate.Networks["mail"]; !there || len(popgate.Networks) != 2 {
		t.Errorf("popgate is in %v", popgate.Networks)
	}
	backends := readSettings(t, readFile(t, compose+"/popgate/config.hcl")).blocks("backend")
	if len(backends) != 1 || backends[0].text("address") != "dovecot:110" {
		t.Error("popgate's backend isn't the other service")
	}
}

// TestComposeIsConfined: neither has more rights than it needs, popgate has the memory
// and the time that its configuration asks for, and all that is mounted is there.
func TestComposeIsConfined(t *testing.T) {
	project, popgate, dovecot := composeProject(t)
	settings := readSettings(t, readFile(t, compose+"/popgate/config.hcl"))
	for what, holds := range map[string]bool{
		"user":             popgate.User == "65532:65532",
		"no capabilities":  slices.Equal(popgate.CapDrop, []string{"ALL"}) && popgate.CapAdd == nil,
		"no init":          popgate.Init != nil && !*popgate.Init,
		"time":             time.Duration(*popgate.StopGracePeriod) >= settings.longestDrain()+10*time.Second,
		"memory":           int64(popgate.MemLimit) >= settings.leastMemory(),
		"built from here":  filepath.Clean(popgate.Build.Context) == absolute(t, root),
		"Dovecot is 2.3":   strings.HasPrefix(dovecot.Image, "dovecot/dovecot:2.3."),
		"Dovecot drops":    slices.Equal(dovecot.CapDrop, []string{"ALL"}),
		"socket's folder":  slices.Equal(popgate.Tmpfs, []string{"/run/popgate"}),
		"health by socket": slices.Contains(popgate.HealthCheck.Test, "/run/popgate/admin.sock"),
	} {
		if !holds {
			t.Errorf("%s: it isn't so", what)
		}
	}
	for _, service := range []types.ServiceConfig{popgate, dovecot} {
		if !service.ReadOnly || service.Privileged || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s isn't confined", service.Name)
		}
		for _, volume := range service.Volumes {
			switch volume.Type {
			case types.VolumeTypeBind:
				if info, err := os.Stat(volume.Source); err != nil || !info.IsDir() || !volume.ReadOnly {
					t.Errorf("%s is no folder, or can be written to: %v", volume.Source, err)
				}
			case types.VolumeTypeVolume:
				if _, there := project.Volumes[volume.Source]; !there {
					t.Errorf("there is no volume %s", volume.Source)
				}
			}
		}
	}
	// Where popgate's cache is by default.
	if !slices.ContainsFunc(popgate.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == "/var/lib/popgate" }) {
		t.Error("certificates aren't kept")
	}
}

// TestComposeConfigurationIsFine: popgate has nothing to complain of.
func TestComposeConfigurationIsFine(t *testing.T) {
	if out, err := check(compose + "/popgate"); err != nil || strings.Count(out, "\n") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
