package config

import "time"

// document is the table of all words: what may stand in config.hcl. A new option
// is a line here, a field in config.go, a line in decode.go, a row in
// docs/configuration.md and a line in config.hcl; tests insist on all of them.
var document = &block{
	words: []word{
		{name: "hostname", kind: kindText, like: `"pop.example.com"`, clean: hostName},
	},
	blocks: []*block{
		listenerBlock, tlsBlock, backendBlock, tenantBlock, routeBlock, networksBlock, policyBlock,
		limitsBlock, blockingBlock, timeoutsBlock, autoconfigBlock, adminBlock, logBlock,
	},
}

var listenerBlock = &block{
	name:     "listener",
	labelled: true,
	words: []word{
		{name: "address", kind: kindText, like: `":995"`, required: true, clean: listenAt(995)},
		{name: "tls", kind: kindText, like: `"implicit"`, def: "implicit", oneOf: []string{"implicit", "starttls"}},
	},
	blocks: []*block{proxyProtocolBlock, listenerLimitsBlock},
}

var proxyProtocolBlock = &block{
	name: "proxy_protocol",
	words: []word{
		{name: "from", kind: kindTexts, like: `["10.0.0.0/8"]`, required: true, clean: network, doubt: openNetwork},
	},
}

var tlsBlock = &block{
	name: "tls",
	words: []word{
		{name: "min_version", kind: kindText, like: `"1.2"`, def: "1.2", oneOf: []string{"1.2", "1.3"}},
		{name: "default_host", kind: kindText, like: `"pop.example.com"`, clean: hostName},
		{name: "unknown_host", kind: kindText, like: `"refuse"`, def: "refuse", oneOf: []string{"refuse", "default"}},
		{name: "ticket_secret", kind: kindText, like: `env("POPGATE_TICKET_SECRET")`, clean: ticketSecret, secret: true},
		{name: "self_signed", kind: kindFlag, like: `true`, def: false},
	},
	blocks: []*block{acmeBlock, certificateBlock},
}

var acmeBlock = &block{
	name: "acme",
	words: []word{
		{name: "hosts", kind: kindTexts, like: `["pop.example.com"]`, clean: certifiedHost},
		{name: "email", kind: kindText, like: `"postmaster@example.com"`, clean: emailAddress},
		{name: "directory", kind: kindText, like: `"letsencrypt"`, def: "letsencrypt", clean: acmeDirectory},
		{name: "ca_file", kind: kindText, like: `"/etc/popgate/private-ca.pem"`, clean: filePath, path: true},
		{name: "cache", kind: kindText, like: `"/var/lib/popgate/acme"`, def: "/var/lib/popgate/acme", clean: folderPath, path: true},
		// RFC 8555 §8.3, RFC 8737 §3: a CA connects to these ports and no others.
		{name: "http_address", kind: kindText, like: `":80"`, def: ":80", clean: listenAt(80), off: true},
		{name: "https_address", kind: kindText, like: `":443"`, def: ":443", clean: listenAt(443), off: true},
	},
	blocks: []*block{eabBlock},
}

var eabBlock = &block{
	name: "eab",
	words: []word{
		{name: "key_id", kind: kindText, like: `"kid-1"`, required: true, clean: keyID},
		{name: "hmac_key", kind: kindText, like: `env("POPGATE_EAB_HMAC_KEY")`, required: true, clean: hmacKey, secret: true},
	},
}

var certificateBlock = &block{
	name:     "certificate",
	labelled: true,
	words: []word{
		{name: "cert_file", kind: kindText, like: `"/etc/popgate/tls.crt"`, required: true, clean: filePath, path: true},
		{name: "key_file", kind: kindText, like: `"/etc/popgate/tls.key"`, required: true, clean: filePath, path: true},
	},
}

var backendBlock = &block{
	name:     "backend",
	labelled: true,
	words: []word{
		{name: "address", kind: kindText, like: `"10.0.0.5:110"`, clean: backendAddress},
		{name: "addresses", kind: kindTexts, like: `["10.0.0.5:110", "10.0.0.6:110"]`, clean: backendAddress},
		{name: "auth", kind: kindText, like: `"user"`, def: "user", oneOf: []string{"user", "plain"}},
		{name: "capabilities", kind: kindTexts, like: `["TOP", "UIDL"]`, def: []string{"TOP", "UIDL"}, clean: capability},
		{name: "connections", kind: kindNumber, like: `200`, unit: "connections", def: 0, most: 1_000_000},
		{name: "in_use_words", kind: kindTexts, like: `["mailbox locked"]`, def: defaultInUseWords, clean: refusalWord, doubt: falseFriend},
		{name: "temporary_words", kind: kindTexts, like: `["try again later"]`, def: defaultTemporaryWords, clean: refusalWord, doubt: falseFriend},
	},
}

var tenantBlock = &block{
	name:     "tenant",
	labelled: true,
	words: []word{
		{name: "hosts", kind: kindTexts, like: `["pop.example.com"]`, clean: hostName},
		{name: "domains", kind: kindTexts, like: `["example.com"]`, required: true, clean: domainName},
		{name: "backend", kind: kindText, like: `"legacy"`},
		{name: "any_host", kind: kindFlag, like: `true`, def: false},
		{name: "login_delay", kind: kindPeriod, like: `"60s"`, from: time.Second, to: 24 * time.Hour},
	},
	blocks: []*block{routeBlock, policyBlock, tenantLimitsBlock},
}

var routeBlock = &block{
	name:     "route",
	labelled: true,
	words: []word{
		{name: "when", kind: kindCondition, like: `user.domain == "example.com"`},
		{name: "backend", kind: kindText, like: `"legacy"`, required: true},
		{name: "login", kind: kindUserName, like: `user.local`},
	},
}

var networksBlock = &block{
	name:     "networks",
	labelled: true,
	words: []word{
		{name: "addresses", kind: kindTexts, like: `["192.0.2.0/24"]`, filled: true, clean: network},
		{name: "file", kind: kindText, like: `"office.txt"`, clean: filePath, path: true},
	},
}

var policyBlock = &block{
	name:     "policy",
	labelled: true,
	words: []word{
		{name: "when", kind: kindCondition, like: `!contains(["192.0.2.7"], client.ip)`},
		{name: "deny", kind: kindText, like: `"office network only"`, clean: reason},
		{name: "allow", kind: kindFlag, like: `true`, def: false},
		{name: "delay", kind: kindPeriod, like: `"10s"`, from: shortest, to: 2 * time.Minute},
		{name: "read_only", kind: kindFlag, like: `true`, def: false},
		{name: "log_only", kind: kindFlag, like: `true`, def: false},
	},
	blocks: []*block{requireBlock},
}

var requireBlock = &block{
	name: "require",
	words: []word{
		{name: "tls", kind: kindText, like: `"1.3"`, oneOf: []string{"1.3"}},
		{name: "mechanisms", kind: kindTexts, like: `["PLAIN", "LOGIN"]`, filled: true, oneOf: []string{"USER", "PLAIN", "LOGIN"}},
	},
}

// shortest is the least of every time: less is a slip of the pen, not a limit.
const shortest = 100 * time.Millisecond

var timeoutsBlock = &block{
	name: "timeouts",
	words: []word{
		{name: "handshake", kind: kindPeriod, like: `"10s"`, def: "10s", from: shortest, to: 10 * time.Minute},
		{name: "login", kind: kindPeriod, like: `"60s"`, def: "60s", from: shortest, to: time.Hour},
		{name: "failure_delay", kind: kindPeriod, like: `"3s"`, def: "3s", from: shortest, to: time.Minute},
		{name: "connect", kind: kindPeriod, like: `"10s"`, def: "10s", from: shortest, to: 10 * time.Minute},
		{name: "greeting", kind: kindPeriod, like: `"30s"`, def: "30s", from: shortest, to: time.Hour},
		{name: "backend_login", kind: kindPeriod, like: `"120s"`, def: "120s", from: shortest, to: time.Hour},
		{
			name: "idle", kind: kindPeriod, like: `"10m"`, def: "10m", from: shortest, to: 24 * time.Hour,
			// RFC 1939 §3: an autologout timer must be of at least 10 minutes.
			advised: 10 * time.Minute,
			why:     "RFC 1939 section 3 asks for at least 10 minutes; sessions cut earlier lose the deletions that they had marked",
		},
		{
			name: "quit", kind: kindPeriod, like: `"120s"`, def: "120s", from: shortest, to: time.Hour,
			advised: 2 * time.Minute,
			why:     "old servers rewrite the whole mailbox at QUIT; a client that is cut off meanwhile doesn't know what was deleted",
		},
		{name: "half_closed", kind: kindPeriod, like: `"120s"`, def: "120s", from: shortest, to: 24 * time.Hour},
		{name: "drain", kind: kindPeriod, like: `"30s"`, def: "30s", from: shortest, to: 24 * time.Hour},
	},
}

var autoconfigBlock = &block{
	name: "autoconfig",
	words: []word{
		{name: "server", kind: kindText, like: `"pop.example.com"`, clean: hostName},
		{name: "port", kind: kindNumber, like: `995`, least: 1, most: 65535},
		{name: "username", kind: kindText, like: `"address"`, def: "address", oneOf: []string{"address", "local"}},
		{name: "domains", kind: kindTexts, like: `["example.com"]`, filled: true, clean: domainName},
	},
	blocks: []*block{smtpBlock},
}

var smtpBlock = &block{
	name: "smtp",
	words: []word{
		{name: "server", kind: kindText, like: `"smtp.example.com"`, required: true, clean: hostName},
		{name: "port", kind: kindNumber, like: `465`, least: 1, most: 65535},
		{name: "tls", kind: kindText, like: `"implicit"`, def: "implicit", oneOf: []string{"implicit", "starttls"}},
	},
}

var adminBlock = &block{
	name: "admin",
	words: []word{
		{name: "socket", kind: kindText, like: `"/run/popgate/admin.sock"`, def: "/run/popgate/admin.sock", clean: socketPath, path: true, off: true},
		{name: "address", kind: kindText, like: `"127.0.0.1:9110"`, clean: listenAt(9110)},
		{name: "token_file", kind: kindText, like: `"/etc/popgate/admin-token"`, clean: filePath, path: true},
		{name: "hosts", kind: kindTexts, like: `["popgate.example.com"]`, clean: hostName},
		{name: "pprof", kind: kindFlag, like: `true`, def: false},
	},
}

var logBlock = &block{
	name: "log",
	words: []word{
		{name: "level", kind: kindText, like: `"info"`, def: "info", oneOf: []string{"trace", "debug", "info", "warn", "error"}},
		{name: "format", kind: kindText, like: `"text"`, def: "text", oneOf: []string{"text", "json"}},
		{name: "failed_users", kind: kindText, like: `"served"`, def: "served", oneOf: []string{"served", "all", "none"}},
	},
}
