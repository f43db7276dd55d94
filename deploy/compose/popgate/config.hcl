# popgate's configuration in compose.yaml. docs/configuration.md has all words.

hostname = "pop.example.com" # in the greeting; else it were the container's name

# Not 995, which needs a privilege: compose.yaml maps it.
listener "pop3s" {
  address = ":9950"
}

tls {
  acme {
    hosts         = ["pop.example.com"]
    directory     = "letsencrypt-staging" # once all works: "letsencrypt"
    http_address  = ":8080"               # port 80 of this machine
    https_address = "off"
  }
}

# The name of the service in compose.yaml.
backend "dovecot" {
  address = "dovecot:110"
}

limits {
  connections              = 1000
  connections_before_login = 200
}

# stop_grace_period in compose.yaml has to be above both together.
timeouts {
  drain = "30s"
  quit  = "120s"
}
