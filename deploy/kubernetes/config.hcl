# popgate's configuration in the cluster. docs/configuration.md has all words. Relative
# paths are in /etc/popgate, where deployment.yaml puts the Secrets' keys.

hostname = "pop.example.com" # in the greeting; else it were the pod's name

# Not 995, which needs a privilege: the Service maps it.
listener "pop3s" {
  address = ":9950"

  # If the load balancer hides clients' addresses and sends PROXY headers instead:
  # proxy_protocol {
  #   from = ["10.0.0.0/8"] # where the load balancer and the nodes are
  # }
}

tls {
  certificate "pop" {
    cert_file = "tls/tls.crt"
    key_file  = "tls/tls.key"
  }

  # The replicas resume each other's TLS sessions.
  ticket_secret = file("ticket-secret")
}

# network.yaml has to let popgate out to it.
backend "legacy" {
  address = "10.0.0.5:110"
}

# Of each replica. Each connection can take 256 KiB of the memory in deployment.yaml.
limits {
  connections              = 1000
  connections_before_login = 200
}

# terminationGracePeriodSeconds in deployment.yaml has to be above both together.
timeouts {
  drain = "30s"
  quit  = "120s"
}

# For probes and Prometheus. Commands use the socket, inside the pod.
admin {
  address    = ":9110"
  token_file = "admin-token"
}

log {
  format = "json"
}
