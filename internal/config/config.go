// Package config knows the words of config.hcl: how they are written, what they
// default to, which values are allowed, and what to tell an operator whose file
// is wrong. It turns a file or a folder into one checked [Config].
//
// It must not know what the values are for. It opens no socket and no
// certificate, resolves no name, and imports nothing of popgate but the
// expressions of internal/expr; who needs a value copies it from the Config.
//
// Start with [Load], then [Config]. The words themselves stand in one table, in
// words.go and, for limits, words_limits.go; a new option starts there.
package config

import (
	"net/netip"
	"time"

	"popgate/internal/expr"
)

// Config is a whole configuration: every value decoded, defaulted and checked.
// Names that refer to something (a backend) refer to something that is there.
// It is made by [Load] or [Parse] and is not changed afterwards.
type Config struct {
	// Hostname is this server's name, for the greeting: a DNS name in lower
	// case, never empty. Default: the machine's name.
	Hostname string
	// Listeners has at least one element. Default: "pop3s" on ":995".
	Listeners []Listener
	// TLS says where certificates come from.
	TLS TLS
	// Backends has at least one element, in the order of the files.
	Backends []Backend
	// Tenants may be empty. No host and no domain belongs to two of them.
	Tenants []Tenant
	// Routes are the top-level routes, in the order of the files; may be empty.
	Routes []Route
	// Networks are lists of addresses that conditions ask for by name; may be empty.
	// Each name that a condition asks for as a constant is here.
	Networks []Network
	// Policies are the top-level policies, which are asked in the order of the files
	// about every login; may be empty.
	Policies []Policy
	// Limits holds the values of the limits block at the top.
	Limits Limits
	// Blocking says what wrong passwords lead to.
	Blocking Blocking
	// Timeouts holds the times of the timeouts block.
	Timeouts Timeouts
	// Autoconfig says what mail clients are told about setting up an account. Nil:
	// nothing is.
	Autoconfig *Autoconfig
	// Admin says where operators and their commands reach the running program.
	Admin Admin
	// Log says what is logged, and how.
	Log Log

	// expressions are the programs as they are written, without comments, for
	// [Effective]. Nil: there are none.
	expressions map[*expr.Program]string
}

// Listener is an address on which clients are accepted.
type Listener struct {
	// Name is the block's label, unique among listeners.
	Name string
	// Address is "IP:port", "[IPv6]:port" or ":port" for every address of the
	// machine. Port 0 lets the system choose one.
	Address string
	// StartTLS is true where clients start in the clear and must use STLS before
	// they log in. False: TLS from the first byte.
	StartTLS bool
	// ProxyFrom lists the networks whose connections start with a PROXY protocol
	// header. Nil: no PROXY protocol. Who is listed can claim any client address.
	ProxyFrom []netip.Prefix
	// Limits are what its connections have instead of, or beside, the top's.
	Limits Override
}

// TLS says where certificates come from and which versions are spoken.
type TLS struct {
	// MinVersion is tls.VersionTLS12 or tls.VersionTLS13.
	MinVersion uint16
	// DefaultHost names the certificate for clients that send no server name.
	// "": none was chosen.
	DefaultHost string
	// UnknownHostDefault shows DefaultHost's certificate, which is set then, to
	// clients that name a host without one. False: they are refused.
	UnknownHostDefault bool
	// TicketSecret is what the keys of session tickets are derived from, at least
	// 32 octets: replicas that have the same resume each other's sessions. Empty:
	// random keys of this process.
	TicketSecret Secret
	// SelfSigned allows a self-signed stand-in where no certificate is found. It
	// is true wherever Certificates is empty and ACME is nil.
	SelfSigned bool
	// ACME says how certificates are obtained. Nil: they aren't.
	ACME *ACME
	// Certificates are pairs of files; they are not opened here.
	Certificates []Certificate
}

// ACME says from which CA certificates are obtained, and for whom.
type ACME struct {
	// Hosts are those of the acme block: DNS names of two labels or more in lower
	// case. The tenants' Hosts need certificates as well, but for names of one
	// label, for which no CA issues any. One of both has such a name.
	Hosts []string
	// Email is where the CA writes to, a plain ASCII address. "": nowhere.
	Email string
	// Directory is the https URL of the CA.
	Directory string
	// CAFile is the path of a PEM file with the CAs that the connection to
	// Directory is checked by, resolved as those of [Certificate]. "": the system's.
	CAFile string
	// Cache is the path of the folder for keys and certificates, resolved as above.
	Cache string
	// HTTP is where HTTP-01 is answered, HTTPS where TLS-ALPN-01 is. At least one
	// is on. They overlap neither each other nor a listener, but HTTPS may have
	// the very address of a listener with TLS from the first byte.
	HTTP, HTTPS Challenge
	// EAB binds the account at the CA to one that the operator has. Nil: none.
	EAB *EAB
}

// Challenge is an address where the CA asks for the proof that a host is ours.
type Challenge struct {
	// Address is as a [Listener]'s. "": off.
	Address string
	// Written is false where it is the default, which may be missing.
	Written bool
}

// EAB is an external account binding (RFC 8555 §7.3.4).
type EAB struct {
	// KeyID is the CA's name for the key; not empty, without control characters.
	KeyID string
	// HMACKey is the key itself, decoded; at least 16 octets.
	HMACKey Secret
}

// Certificate is one pair of PEM files.
type Certificate struct {
	// Name is the block's label, unique among certificates.
	Name string
	// CertFile and KeyFile are paths; relative ones were resolved against the
	// folder of the file that names them.
	CertFile, KeyFile string
}

// Backend is a POP3 server, under one or more addresses.
type Backend struct {
	// Name is the block's label, unique among backends.
	Name string
	// Addresses has at least one element, each "host:port", "[IPv6]:port" or
	// "unix:/path". They are tried in this order.
	Addresses []string
	// AuthPlain is true where the login is AUTH PLAIN. False: USER and PASS.
	AuthPlain bool
	// Capabilities are what CAPA may promise before login, in upper case.
	Capabilities []string
	// Connections is the most connections at once. 0: no limit.
	Connections int
	// InUseWords and TemporaryWords tell a locked mailbox and a passing fault
	// from a bad password where the backend sends no response code: a refusal
	// that holds one of them, ASCII case folded, is of that kind. They are in
	// lower case. Empty: no text is of that kind.
	InUseWords, TemporaryWords []string
}

// Tenant is a group of users with names, and routes, of their own.
type Tenant struct {
	// Name is the block's label, unique among tenants.
	Name string
	// Hosts are the server names that make a bare user name this tenant's; DNS
	// names in lower case; may be empty.
	Hosts []string
	// Domains has at least one element, ASCII lower case. The first one completes
	// bare user names.
	Domains []string
	// Backend serves whoever no route takes. "": those are refused.
	Backend string
	// AnyHost lets this tenant's names in on other tenants' hosts as well.
	AnyHost bool
	// Routes are tried in order, before Backend.
	Routes []Route
	// Policies are asked in order about its users' logins, after the top-level ones.
	Policies []Policy
	// Limits are what its users have instead of the listener's and the top's.
	Limits Override
	// LoginDelay is the least time between two logins of one user, a second to a
	// day (RFC 2449 §6.5). 0: none.
	LoginDelay time.Duration
}

// Route sends the names for which When is true to a backend.
type Route struct {
	// Name is the block's label, unique among the routes beside it.
	Name string
	// When gives a bool. Nil: always.
	When *expr.Program
	// Login gives the name that is sent to the backend. Nil: what was typed.
	Login *expr.Program
	// Backend is the name of one of the Backends.
	Backend string
}

// Timeouts are the times of the timeouts block; each is positive.
type Timeouts struct {
	// Handshake is for a PROXY header and the TLS handshake together.
	Handshake time.Duration
	// Login is for everything before login, less the time spent waiting for a
	// backend or for FailureDelay.
	Login time.Duration
	// FailureDelay is from PASS to a refusal, whatever its cause.
	FailureDelay time.Duration
	// Connect is for reaching one address of a backend.
	Connect time.Duration
	// Greeting is for the backend's first line.
	Greeting time.Duration
	// BackendLogin is for the backend's answers to the login.
	BackendLogin time.Duration
	// Idle is how long a session after login may be silent in both directions.
	Idle time.Duration
	// Quit is for the backend's answer to QUIT.
	Quit time.Duration
	// HalfClosed is how long one direction may go on after the other has ended.
	HalfClosed time.Duration
	// Drain is how long sessions may go on after the program was told to stop.
	Drain time.Duration
}

// Autoconfig is what mail clients are told about setting up an account. Where it is
// set, TLS.ACME is set, too, and there is at least one domain, here or of a tenant.
type Autoconfig struct {
	// Server is the host that they are told, a DNS name in lower case. "": the first
	// of the tenant's Hosts, of ACME.Hosts, or else Hostname.
	Server string
	// Port is the port that they are told, 1 to 65535. Default: that of the first
	// listener with TLS from the first byte, else of the first one.
	Port int
	// StartTLS is true where clients start in the clear at that port: where it is a
	// listener's, that is as the listener says, otherwise as at the default.
	StartTLS bool
	// LocalPart is true where users log in with what stands before the @ of their
	// address. False: with the whole address.
	LocalPart bool
	// Domains are served beside those of the tenants, ASCII lower case; may be empty.
	Domains []string
	// SMTP is where mail is sent. Nil: nothing is told of that.
	SMTP *SMTP
}

// SMTP is a server that popgate has nothing to do with, but tells mail clients of.
type SMTP struct {
	// Server is a DNS name in lower case.
	Server string
	// Port is 1 to 65535. Default: 465, or with StartTLS 587 (RFC 8314 §3.3).
	Port int
	// StartTLS is true where clients start in the clear.
	StartTLS bool
}

// Admin says where operators and their commands reach the running program.
type Admin struct {
	// Socket is the path of a unix socket, at most 97 octets, resolved as those of
	// [Certificate]. "": off.
	Socket string
	// Written is false where Socket is the default, which may be missing.
	Written bool
	// Address is where the same is served over TCP, as a [Listener]'s. "": nowhere.
	// Without a TokenFile it is a loopback address.
	Address string
	// TokenFile is the path of the file with the token that is asked for at Address,
	// resolved as those of [Certificate]; it isn't opened here. "": none.
	TokenFile string
	// Hosts are further names by which Address may be asked, DNS names in lower
	// case, beside IP addresses, "localhost" and Hostname. A page in a browser that
	// has its own name lead to Address is told from an operator by that.
	Hosts []string
	// Pprof serves profiles of the running program, to whoever has the token or
	// comes through Socket.
	Pprof bool
}

// Log says what is logged, and how.
type Log struct {
	// Level is "trace", "debug", "info", "warn" or "error".
	Level string
	// Format is "text" or "json".
	Format string
	// FailedUsers says which names of failed logins are logged: "served" (only
	// those in a domain served here), "all" or "none".
	FailedUsers string
}
