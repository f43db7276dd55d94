# popgate: TLS for a POP3 server that has none.
#
# This file shows every word with its default, or with an example where there is
# none. Nothing but a host, or a certificate, and a backend is needed. Check it with
#   popgate check --config config.hcl
# All words are explained in docs/configuration.md.

# This server's name in the greeting. Default: the machine's name.
# hostname = "pop.example.com"

# Where clients connect. Without any listener there is this one.
listener "pop3s" {
  address = ":995"
  tls     = "implicit" # TLS from the first byte

  # Behind a load balancer that sends PROXY headers, and from these networks only:
  # proxy_protocol {
  #   from = ["10.0.0.0/8"]
  # }

  # What is different here from the limits block below. These are all words that
  # can be.
  # limits {
  #   connections              = 5000 # on this listener; the total holds, too
  #   connections_per_ip       = 50
  #   connections_per_user     = 20
  #   connections_before_login = 1000 # on this listener; the total holds, too
  #   connection_rate          = "300/m"
  #   login_rate_per_ip        = "120/m"
  #   login_rate_per_user      = "60/m"
  #   login_rate               = "30/m"
  #   exempt                   = ["192.0.2.0/24"] # []: nobody
  #   errors                   = 3
  #   login_attempts           = 3
  # }
}

# For clients that can't do without port 110: no login before STLS.
# listener "pop3" {
#   address = ":110"
#   tls     = "starttls"
# }

tls {
  min_version = "1.2" # or "1.3"

  # Whose certificate clients get that send no server name.
  # default_host = "pop.example.com"

  # Clients that name a host without a certificate.
  unknown_host = "refuse" # "default": they get default_host's

  # Replicas with the same secret resume each other's sessions. Default: a random
  # one. Make it once with: openssl rand -base64 32
  # ticket_secret = env("POPGATE_TICKET_SECRET")

  # To try popgate without a certificate. Never for real users.
  # self_signed = true

  # Certificates are obtained for these hosts, and for all tenants'. Their names
  # must lead here, and ports 80 or 443 with them: see docs/certificates.md.
  acme {
    hosts         = ["pop.example.com"]
    directory     = "letsencrypt"           # first try "letsencrypt-staging"; or an https:// URL
    cache         = "/var/lib/popgate/acme" # keys and certificates; keep it
    http_address  = ":80"                   # HTTP-01 is answered here; or "off"
    https_address = ":443"                  # TLS-ALPN-01 here, and POP3 by ALPN "pop3"; or "off"

    # Where the CA may write to.
    # email = "postmaster@example.com"

    # For a CA of your own: by whom its HTTPS is vouched for.
    # ca_file = "/etc/popgate/private-ca.pem"

    # For a CA that wants to know whose account this is. It shows both values.
    # eab {
    #   key_id   = "kid-1"
    #   hmac_key = env("POPGATE_EAB_HMAC_KEY")
    # }
  }

  # Files that other tools keep; they are reloaded when they change. Any number
  # of these blocks; each client gets the one for the server name that it asked
  # for. With them, acme isn't needed.
  # certificate "main" {
  #   cert_file = "/etc/popgate/tls.crt"
  #   key_file  = "/etc/popgate/tls.key"
  # }
}

# The server that needs protection. It sees all sessions come from popgate's
# address: exempt that from its fail2ban and its limits per address.
backend "legacy" {
  address      = "10.0.0.5:110"  # or addresses = ["10.0.0.5:110", "unix:/run/pop3.sock"]
  auth         = "user"          # USER and PASS; "plain": AUTH PLAIN
  capabilities = ["TOP", "UIDL"] # what CAPA may promise before login
  connections  = 0               # at once; 0: no limit

  # If the server refuses a PASS with words that popgate doesn't know, these lists
  # replace the ones it has. See "Words in refusals" in docs/configuration.md.
  # in_use_words    = ["mailbox locked"]
  # temporary_words = ["try again later"]
}

# A group of users with names of its own. A bare name on one of the hosts gets the
# first domain.
# tenant "acme" {
#   hosts       = ["pop.acme.example"]
#   domains     = ["acme.example"]
#   backend     = "legacy"
#   any_host    = false # true: may log in on other tenants' hosts
#   login_delay = "60s" # between two logins of a user; no default
#
#   route "sales" { # tried before the tenant's backend
#     when    = startswith(user.local, "sales-")
#     backend = "other"
#   }
#
#   policy "frozen" { # asked after the policies at the top of the file
#     when      = startswith(user.local, "moved-")
#     read_only = true
#   }
#
#   limits { # what is different for these users; all words that can be
#     connections          = 500 # of all of them together; 0: no limit
#     connections_per_user = 20
#     login_rate_per_ip    = "120/m"
#     login_rate_per_user  = "60/m"
#     login_rate           = "30/m"
#   }
# }

# Everyone else: the first route whose "when" is true. Without routes, the only
# backend there is.
# route "staff" {
#   when    = user.domain == "staff.example" && !startswith(user.local, "test")
#   backend = "legacy"
#   login   = user.local # the name to send to the backend; default: what was typed
# }
#
# route "rest" {
#   backend = "legacy"
# }

# Addresses with a name, for conditions.
# networks "office" {
#   addresses = ["192.0.2.0/24"]
#   file      = "office.txt" # one network or address a line; reloaded when it changes
# }

# Who may log in: the first policy whose "when" is true decides, and if none is, the
# login passes. Each has just one of "deny" and "allow", or some of the others.
# policy "office" {
#   when  = contains(client.networks, "office")
#   allow = true
# }
#
# policy "bank" {
#   when     = user.domain == "bank.example"
#   deny     = "office network only" # for the log; the client gets the one refusal
#   log_only = true                  # a trial: it is logged and the next policy asked
# }
#
# policy "outside" {
#   when      = user.domain == "staff.example"
#   delay     = "10s" # the login waits
#   read_only = true  # nothing can be deleted
#
#   require {
#     tls        = "1.3"
#     mechanisms = ["PLAIN", "LOGIN"] # and "USER", which is USER and PASS
#   }
# }

# A rate of "60/m" lets 60 through at once, and fills up evenly in a minute. Units are
# s, m and h; "off" is no limit.
limits {
  connections              = 10000 # at once
  connections_per_ip       = 50
  connections_per_tenant   = 0  # of its users' sessions; 0: no limit
  connections_per_user     = 20 # 0: no limit
  connections_before_login = 2000
  connection_rate          = "300/m" # new connections per address
  login_rate_per_ip        = "120/m" # login attempts per address
  login_rate_per_user      = "60/m"  # successful logins per user
  login_rate               = "30/m"  # login attempts per address and user together
  ipv4_prefix              = 32      # what counts as one address
  ipv6_prefix              = 64
  errors                   = 3 # bad commands in a session
  login_attempts           = 3 # failed logins in a session

  # Offices behind one address, monitoring, webmail hosts: no limits per address and
  # no blocking for them.
  # exempt = ["192.0.2.0/24"]
}

# What wrong passwords lead to. Only different ones count.
blocking {
  failures_per_user = 5      # of an address for a user, then the two are blocked; 0: never
  failures_per_ip   = 20     # of an address for any users, then it is blocked; 0: never
  window            = "30m"  # failures fade over this time
  first             = "5m"   # the first block; each further one is twice as long
  longest           = "24h"  # blocks grow up to this
  remember          = "720h" # who has logged in from an address stays welcome there
  entries           = 50000  # of each table of addresses and users
}

timeouts {
  handshake     = "10s"
  login         = "60s"  # everything before login, less the waiting for a backend
  failure_delay = "3s"   # from PASS to a refusal, whatever its cause
  connect       = "10s"  # to one address of a backend
  greeting      = "30s"  # of the backend; old servers look up names first
  backend_login = "120s" # old servers parse the mailbox at PASS
  idle          = "10m"  # after login; RFC 1939 asks for no less
  quit          = "120s" # for the backend's answer to QUIT
  half_closed   = "120s" # one direction after the other has ended
  drain         = "30s"  # for sessions to end after SIGTERM
}

# Mail clients that ask http_address and https_address for the settings of an account
# get them. Without this block they don't.
# autoconfig {
#   server   = "pop.example.com" # default: the first host of the tenant, of acme, or hostname
#   port     = 995               # default: the listener's
#   username = "address"         # or "local": what stands before the @
#   domains  = ["example.com"]   # beside those of the tenants
#
#   # Where they send mail. Thunderbird ignores settings without that.
#   smtp {
#     server = "smtp.example.com"
#     port   = 465               # default: 465, or 587 with "starttls"
#     tls    = "implicit"        # or "starttls"
#   }
# }

# Operators, and commands such as "popgate cert list", ask the running popgate here.
admin {
  socket = "/run/popgate/admin.sock" # or "off"

  # The same over TCP. Beyond loopback it needs a token.
  # address = "127.0.0.1:9110"

  # A file with one long random text. Make it once with: openssl rand -base64 32
  # token_file = "/etc/popgate/admin-token"

  # By which names the address may be asked, beside IP addresses and hostname.
  # hosts = ["popgate.example.com"]

  # Profiles at /debug/pprof/, for those who have the token or the socket.
  # pprof = true
}

log {
  level        = "info"   # "trace", "debug", "info", "warn", "error"
  format       = "text"   # or "json"
  failed_users = "served" # names of failed logins: only of domains served here, "all", or "none"
}
