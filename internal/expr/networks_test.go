package expr

import (
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// from returns what a client's login has whose address is in the named networks.
func from(networks ...string) Vars {
	return Vars{Networks: func() []string { return networks }, Mechanism: "PLAIN"}
}

func TestNetworksAndMechanism(t *testing.T) {
	tests := []struct {
		src  string
		vars Vars
		want bool
	}{
		{`contains(client.networks, "office")`, from("vpn", "office"), true},
		{`contains(client.networks, "office")`, from("vpn"), false},
		{`contains(client.networks, "office")`, from(), false},
		{`contains(client.networks, "office")`, Vars{}, false},
		{`contains(client["networks"], "office")`, from("office"), true},
		{`contains(client.networks, "Office")`, from("office"), false},
		{`contains(client.networks, user.tenant)`, from("office"), false},
		{`contains(client.networks, user.local == "" ? "office" : "vpn")`, from("office"), true},
		{`join(",", client.networks) == "a,b"`, from("a", "b"), true},
		{`join(",", client.networks) == ""`, from(), true},
		{`client.networks == split(",", "a,b")`, from("a", "b"), true},
		{`auth.mechanism == "PLAIN"`, from(), true},
		{`auth.mechanism != "LOGIN"`, from(), true},
		{`contains(["USER", "LOGIN"], auth.mechanism)`, from(), false},
		{`auth.mechanism == ""`, Vars{}, true},
		{`startswith(auth.mechanism, "PL")`, from(), true},
		{`lower(auth.mechanism) == "plain"`, from(), true},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			got, err := compile(t, tt.src, Bool).Bool(NewEnv(tt.vars))
			if err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
	login := compile(t, `contains(client.networks, "old") ? "old-${user.local}" : auth.mechanism`, Text)
	if s, err := login.Text(NewEnv(from())); s != "PLAIN" || err != nil {
		t.Errorf("got %q, %v; want PLAIN", s, err)
	}
	if s, err := login.Text(NewEnv(from("old"))); s != "old-" || err != nil {
		t.Errorf("got %q, %v; want old-", s, err)
	}
}

// A look-up in long lists is made for those only who ask for it, and once.
func TestNetworksAreAskedOnce(t *testing.T) {
	asked := 0
	env := NewEnv(Vars{UserLocal: "joe", Networks: func() []string { asked++; return []string{"office"} }})
	if ok, err := compile(t, `user.local == "joe"`, Bool).Bool(env); !ok || err != nil || asked != 0 {
		t.Errorf("without the variable: %v, %v, asked %d times", ok, err, asked)
	}
	condition := compile(t, `contains(client.networks, "office")`, Bool)
	text := compile(t, `join(",", client.networks)`, Text)
	for range 2 {
		if ok, err := condition.Bool(env); !ok || err != nil {
			t.Errorf("condition: %v, %v", ok, err)
		}
		if s, err := text.Text(env); s != "office" || err != nil {
			t.Errorf("text: %q, %v", s, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times; want once", asked)
	}
}

func TestProgramTellsItsNetworks(t *testing.T) {
	tests := []struct {
		src  string
		typ  Type
		want []string
		more bool // it looks for others, too
	}{
		{`user.local == "office"`, Bool, nil, false},
		{`contains(["office"], user.local)`, Bool, nil, false},
		{`contains(client.networks, "office")`, Bool, []string{"office"}, false},
		{`!contains((client.networks), ("office"))`, Bool, []string{"office"}, false},
		{`contains(client.networks, "a") || contains(client["networks"], "b") && contains(client.networks, "a")`, Bool, []string{"a", "b", "a"}, false},
		{`contains(client.networks, lower("A"))`, Bool, []string{"a"}, false},
		{`contains(client.networks, user.tenant)`, Bool, nil, true},
		{`contains(client.networks, "net-${user.tenant}")`, Bool, nil, true},
		{`contains(split(",", join(",", client.networks)), "a")`, Bool, nil, true},
		{`true || contains(client.networks, "a")`, Bool, []string{"a"}, false},
		{`can(contains(client.networks, "a"))`, Bool, []string{"a"}, false},
		{`contains(client.networks, "a") || contains(client.networks, user.local)`, Bool, []string{"a"}, true},
		{`contains(client.networks, "a") ? "x" : user.local`, Text, []string{"a"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			var got []string
			p := compile(t, tt.src, tt.typ)
			for _, m := range p.Networks() {
				got = append(got, m.Name)
			}
			if !slices.Equal(got, tt.want) || p.ComputesNetworks() != tt.more {
				t.Errorf("got %q, more: %v; want %q, %v", got, p.ComputesNetworks(), tt.want, tt.more)
			}
		})
	}
	const src = `contains(client.networks, "office")`
	at := compile(t, src, Bool).Networks()[0].At
	if s := string(at.SliceBytes([]byte(src))); s != `"office"` {
		t.Errorf("the name stands at %q", s)
	}
	if at.Filename != "config.hcl" || at.Start.Line != hcl.InitialPos.Line {
		t.Errorf("the name stands in %s", at)
	}
}
