listener "pop3s" { address = "127.0.0.1:0" }

tls {
  certificate "demo" {
    cert_file = "@DIR@/cert.pem"
    key_file  = "@DIR@/key.pem"
  }
}

backend "demo" {
  address = "@BACKEND@"
}

limits { connections = 100 }

timeouts { drain = "2s" }

admin { socket = "@DIR@/admin.sock" }

log { failed_users = "all" }
