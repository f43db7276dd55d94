package manifests

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
)

// user is the one of the container image.
const user = 65532

// cluster is a bundle with what the checks ask it for.
type cluster struct {
	*bundle
	settings  settings
	pod       *core.PodTemplateSpec
	container *core.Container
}

func newCluster(t *testing.T, variant string) *cluster {
	t.Helper()
	b := build(t, variant)
	pod := &b.deployments[0].Spec.Template
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.InitContainers) != 0 {
		t.Fatal("a pod is one container")
	}
	return &cluster{b, readSettings(t, b.configs[0].Data["config.hcl"]), pod, &pod.Spec.Containers[0]}
}

// TestSelectorsMatch: whatever chooses pods chooses popgate's.
func TestSelectorsMatch(t *testing.T) {
	for _, variant := range variants {
		c := newCluster(t, variant)
		chosen := map[string]map[string]string{
			"Service":             c.services[0].Spec.Selector,
			"Deployment":          c.deployments[0].Spec.Selector.MatchLabels,
			"PodDisruptionBudget": c.budgets[0].Spec.Selector.MatchLabels,
		}
		for _, policy := range c.networks {
			chosen["NetworkPolicy "+policy.Name] = policy.Spec.PodSelector.MatchLabels
		}
		for _, spread := range c.pod.Spec.TopologySpreadConstraints {
			chosen["spread over "+spread.TopologyKey] = spread.LabelSelector.MatchLabels
		}
		for name, labels := range chosen {
			if len(labels) == 0 {
				t.Errorf("%s, %s: chooses every pod", variant, name)
			}
			for key, value := range labels {
				if c.pod.Labels[key] != value {
					t.Errorf("%s, %s: the pod has no label %s=%s", variant, name, key, value)
				}
			}
		}
	}
}

// TestPortsFit: popgate listens where the pod says, the Service leads there, and the
// network lets in what has to come in and nothing else.
func TestPortsFit(t *testing.T) {
	for variant, want := range map[string]map[int32]string{
		"secret": {995: "pop3s"},
		"acme":   {995: "pop3s", 80: "http"},
	} {
		c := newCluster(t, variant)
		listens := c.settings.addresses()
		for _, port := range c.container.Ports {
			if got := fmt.Sprintf(":%d", port.ContainerPort); listens[port.Name] != got {
				t.Errorf("%s: port %s is %s, and popgate listens at %q", variant, port.Name, got, listens[port.Name])
			}
			if port.ContainerPort < 1024 {
				t.Errorf("%s: port %s needs a privilege", variant, port.Name)
			}
			delete(listens, port.Name)
		}
		if len(listens) > 0 {
			t.Errorf("%s: the pod doesn't name %v", variant, listens)
		}
		leads := make(map[int32]string)
		for _, port := range c.services[0].Spec.Ports {
			leads[port.Port] = port.TargetPort.String()
		}
		if len(leads) != len(want) || leads[995] != want[995] || leads[80] != want[80] {
			t.Errorf("%s: the Service leads to %v, want %v", variant, leads, want)
		}
		open, named := c.letIn(), []string{"admin from monitoring"}
		for _, name := range want {
			named = append(named, name)
		}
		slices.Sort(named)
		if !slices.Equal(open, named) {
			t.Errorf("%s: the network lets in %q, want %q", variant, open, named)
		}
	}
}

// letIn tells which ports are open, and to whom, if not to all.
func (c *cluster) letIn() (open []string) {
	for _, policy := range c.networks {
		for _, rule := range policy.Spec.Ingress {
			for _, port := range rule.Ports {
				name := port.Port.String()
				for _, from := range rule.From {
					name += " from " + from.NamespaceSelector.MatchLabels[core.LabelMetadataName]
				}
				open = append(open, name)
			}
		}
	}
	slices.Sort(open)
	return open
}

// TestNetworkLetsOut: to every backend of the configuration, to the cluster's DNS, and
// to a CA only if there is one.
func TestNetworkLetsOut(t *testing.T) {
	for _, variant := range variants {
		c := newCluster(t, variant)
		for _, policy := range c.networks {
			if !slices.Contains(policy.Spec.PolicyTypes, networking.PolicyTypeEgress) || !slices.Contains(policy.Spec.PolicyTypes, networking.PolicyTypeIngress) {
				t.Errorf("%s: %s leaves a direction open", variant, policy.Name)
			}
		}
		backends := c.settings.blocks("backend")
		for _, backend := range backends {
			if at := netip.MustParseAddrPort(backend.text("address")); !c.letsOut(at) {
				t.Errorf("%s: the network doesn't let popgate out to %v", variant, at)
			}
		}
		if len(backends) == 0 {
			t.Errorf("%s: no backend", variant)
		}
		for at, want := range map[string]bool{
			"169.254.20.10:53":    true,
			"198.51.100.1:443":    variant == "acme",
			"198.51.100.1:80":     variant == "acme",
			"[2001:db8::1]:443":   variant == "acme",
			"10.0.0.5:22":         false,
			"10.0.0.6:110":        false,
			"10.0.0.6:443":        false,
			"169.254.169.254:80":  false, // what clouds tell their machines
			"198.51.100.1:25":     false,
			"[fd00::1]:443":       false,
			"192.168.0.1:443":     false,
			"169.254.169.254:443": false,
		} {
			if got := c.letsOut(netip.MustParseAddrPort(at)); got != want {
				t.Errorf("%s: the network lets popgate out to %s: %v", variant, at, got)
			}
		}
	}
}

// letsOut tells whether the network lets popgate out to an address.
func (c *cluster) letsOut(at netip.AddrPort) bool {
	return slices.ContainsFunc(c.networks, func(policy *networking.NetworkPolicy) bool {
		return slices.ContainsFunc(policy.Spec.Egress, func(rule networking.NetworkPolicyEgressRule) bool {
			return slices.ContainsFunc(rule.To, func(to networking.NetworkPolicyPeer) bool { return within(to.IPBlock, at.Addr()) }) &&
				slices.ContainsFunc(rule.Ports, func(port networking.NetworkPolicyPort) bool { return port.Port.IntValue() == int(at.Port()) })
		})
	})
}

func within(block *networking.IPBlock, addr netip.Addr) bool {
	return block != nil && netip.MustParsePrefix(block.CIDR).Contains(addr) &&
		!slices.ContainsFunc(block.Except, func(not string) bool { return netip.MustParsePrefix(not).Contains(addr) })
}

// TestTimesFit: Kubernetes waits until the load balancer has looked away and popgate
// has drained.
func TestTimesFit(t *testing.T) {
	for _, variant := range variants {
		c := newCluster(t, variant)
		if c.container.Lifecycle == nil || c.container.Lifecycle.PreStop == nil || c.container.Lifecycle.PreStop.Sleep == nil {
			t.Fatalf("%s: no sleep before the SIGTERM", variant)
		}
		looksAway := time.Duration(c.container.Lifecycle.PreStop.Sleep.Seconds) * time.Second
		grace := time.Duration(*c.pod.Spec.TerminationGracePeriodSeconds) * time.Second
		if least := looksAway + c.settings.longestDrain(); looksAway < 10*time.Second || grace < least+10*time.Second {
			t.Errorf("%s: %v before SIGTERM, %v until it kills, and all together can take %v", variant, looksAway, grace, least)
		}
	}
}

// TestPodIsConfined: popgate has no privilege, writes to its volumes only, and has the
// memory that its connections need.
func TestPodIsConfined(t *testing.T) {
	for _, variant := range variants {
		c := newCluster(t, variant)
		pod, own := c.pod.Spec.SecurityContext, c.container.SecurityContext
		for what, holds := range map[string]bool{
			"not root":            *pod.RunAsNonRoot && *pod.RunAsUser == user && *pod.RunAsGroup == user && *pod.FSGroup == user,
			"seccomp":             pod.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault,
			"root is read-only":   *own.ReadOnlyRootFilesystem,
			"no new privileges":   !*own.AllowPrivilegeEscalation && own.Privileged == nil,
			"no capabilities":     slices.Equal(own.Capabilities.Drop, []core.Capability{"ALL"}) && own.Capabilities.Add == nil,
			"nothing of the node": !c.pod.Spec.HostNetwork && !c.pod.Spec.HostPID && !c.pod.Spec.HostIPC,
			"no account":          !*c.pod.Spec.AutomountServiceAccountToken,
			"memory":              c.container.Resources.Limits.Memory().Value() >= c.settings.leastMemory(),
			"namespace":           c.namespaces[0].Labels["pod-security.kubernetes.io/enforce"] == "restricted",
			"image":               strings.HasPrefix(c.container.Image, "registry.example.com/popgate:"), // kustomize has named it
		} {
			if !holds {
				t.Errorf("%s: %s: it isn't so", variant, what)
			}
		}
		for _, volume := range c.pod.Spec.Volumes {
			if volume.HostPath != nil {
				t.Errorf("%s: volume %s is the node's", variant, volume.Name)
			}
		}
	}
}

// TestUpgradesLeaveOneServing: pods are replaced and taken away one at a time; of one
// that has a volume to itself there is never a second.
func TestUpgradesLeaveOneServing(t *testing.T) {
	for variant, want := range map[string]struct {
		replicas int32
		strategy string
		early    bool // asked before it is ready
	}{
		"secret": {2, "RollingUpdate", false},
		"acme":   {1, "Recreate", true},
	} {
		c := newCluster(t, variant)
		d, service, budget := c.deployments[0].Spec, c.services[0].Spec, c.budgets[0].Spec
		if *d.Replicas != want.replicas || string(d.Strategy.Type) != want.strategy || service.PublishNotReadyAddresses != want.early {
			t.Errorf("%s: %d replicas, %s, asked before it is ready: %v", variant, *d.Replicas, d.Strategy.Type, service.PublishNotReadyAddresses)
		}
		if rolling := d.Strategy.RollingUpdate; (want.strategy == "RollingUpdate") != (rolling != nil) || rolling != nil && rolling.MaxUnavailable.IntValue() != 0 {
			t.Errorf("%s: %+v", variant, rolling)
		}
		// With one replica, minAvailable would keep its node from ever being emptied.
		if budget.MinAvailable != nil || budget.MaxUnavailable.IntValue() != 1 {
			t.Errorf("%s: %+v", variant, budget)
		}
		if service.ExternalTrafficPolicy != core.ServiceExternalTrafficPolicyLocal {
			t.Errorf("%s: clients' addresses aren't seen", variant)
		}
		if got := []string{c.namespaces[0].Name, c.deployments[0].Name, c.services[0].Name}; slices.ContainsFunc(got, func(name string) bool { return name != "popgate" }) {
			t.Errorf("%s: %q, and the README says popgate to all", variant, got)
		}
	}
}
