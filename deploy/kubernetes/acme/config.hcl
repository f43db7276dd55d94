# popgate's configuration if it obtains its certificate by itself. The comments in
# ../config.hcl are not repeated here.

hostname = "pop.example.com"

listener "pop3s" {
  address = ":9950"
}

tls {
  acme {
    hosts         = ["pop.example.com"]
    directory     = "letsencrypt-staging" # once all works: "letsencrypt"
    http_address  = ":8080"               # port 80 of the Service
    https_address = "off"
  }

  # TLS sessions outlive a restart.
  ticket_secret = file("ticket-secret")
}

backend "legacy" {
  address = "10.0.0.5:110"
}

limits {
  connections              = 1000
  connections_before_login = 200
}

timeouts {
  drain = "30s"
  quit  = "120s"
}

admin {
  address    = ":9110"
  token_file = "admin-token"
}

log {
  format = "json"
}
