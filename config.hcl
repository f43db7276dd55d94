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
#   hosts    = ["pop.acme.example"]
#   domains  = ["acme.example"]
#   backend  = "legacy"
#   any_host = false # true: may log in on other tenants' hosts
#
#   route "sales" { # tried before the tenant's backend
#     when    = startswith(user.local, "sales-")
#     backend = "other"
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

limits {
  connections              = 10000 # at once
  connections_per_ip       = 50    # IPv6: by /64
  connections_before_login = 2000
  errors                   = 3 # bad commands in a session
  login_attempts           = 3 # failed logins in a session
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

# Commands such as "popgate cert list" ask the running popgate here.
admin {
  socket = "/run/popgate/admin.sock" # or "off"
}

log {
  level        = "info"   # "trace", "debug", "info", "warn", "error"
  format       = "text"   # or "json"
  failed_users = "served" # names of failed logins: only of domains served here, "all", or "none"
}
