# popgate with its defaults, but for the limits: all load comes from one address
# and is one user's. They are asked all the same.
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
  connections_per_user     = 100000
  connection_rate          = "1000000/s"
  login_rate_per_ip        = "1000000/s"
  login_rate_per_user      = "1000000/s"
  login_rate               = "1000000/s"
}

admin { socket = "off" }

log {
  level = "info"
}
