package config

import "net/netip"

// admin checks where operators get in: that the doors can be made, and that no
// stranger finds one open.
func (k *checker) admin() {
	for _, s := range k.top.all(adminBlock) {
		if v := s.values["socket"]; v != nil && len(v.text) > maxAdminSocket {
			k.fail(v.at, "Invalid socket path", "%q is longer than %d octets, the most for a socket: write a shorter path, such as \"/run/popgate/admin.sock\".", v.text, maxAdminSocket)
		}
		if v := s.values["address"]; v != nil {
			k.adminPort(v)
			_, token := s.values["token_file"]
			if !token && !onLoopback(v.text) {
				k.fail(v.at, "Admin without token", "%q can be reached from other machines, and nothing would ask who is there: add token_file = \"/etc/popgate/admin-token\" with the path of a file that holds a long random token, or write \"127.0.0.1:9110\", which this machine alone can reach.", v.text)
			}
		}
		if _, served := s.values["address"]; !served {
			k.onlyWithAddress(s)
		}
	}
}

// adminPort refuses an address for operators where clients or CAs connect to.
func (k *checker) adminPort(v *value) {
	for _, l := range k.c.Listeners {
		if overlaps(v.text, l.Address) {
			k.fail(v.at, "Admin address taken", "Listener %q has %q: write another port, such as \"127.0.0.1:9110\".", l.Name, l.Address)
			return
		}
	}
	for _, a := range k.top.one(tlsBlock).all(acmeBlock) {
		for _, word := range []string{"http_address", "https_address"} {
			if c := challengeIn(a, word); overlaps(v.text, c.address) {
				k.fail(v.at, "Admin address taken", "The acme block has %q as its %s: write another port, such as \"127.0.0.1:9110\".", c.address, word)
				return
			}
		}
	}
}

// onlyWithAddress doubts words about TCP in an admin block that isn't served there.
func (k *checker) onlyWithAddress(s *section) {
	for _, name := range []string{"token_file", "hosts"} {
		if v := s.values[name]; v != nil {
			k.warn(v.name, "Word without effect", "%s is about admin over TCP, and the socket needs none: add address = \"127.0.0.1:9110\" to have that, or take %s away.", name, name)
		}
	}
}

// onLoopback reports whether an address that passed listenAt can be reached from
// this machine only.
func onLoopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().IsLoopback()
}
