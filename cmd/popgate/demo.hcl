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

limits {
  connections = 100
  exempt      = ["127.0.0.1"] # the demo's own visitors mistype now and then
}

timeouts { drain = "2s" }

admin {
  socket  = "@DIR@/admin.sock"
  address = "127.0.0.1:0"
}

log { failed_users = "all" }
