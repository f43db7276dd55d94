# popgate with its defaults, but for the limits: all load comes from one address.
hostname = "{{.Host}}"

listener "pop3s" {
  address = "{{.Listen}}"
  tls     = "implicit"
}

tls {
  certificate "bench" {
    cert_file = "{{.CertFile}}"
    key_file  = "{{.KeyFile}}"
  }
}

backend "memory" {
  address     = "{{.Backend}}"
  connections = 0
}

limits {
  connections              = 100000
  connections_per_ip       = 100000
  connections_before_login = 100000
}

log {
  level = "info"
}
