# popgate's configuration. Write in the name that clients connect to, and the server
# to protect. Port 80 or 443 of the name must lead here. Then:
#
#   popgate check --config /etc/popgate/config.hcl
#   popgate cert check --config /etc/popgate/config.hcl    # would the CA get through?
#   systemctl enable --now popgate
#
# After a change: systemctl reload popgate. Every word is shown by man popgate.hcl, and
# explained in /usr/share/doc/popgate/docs/configuration.md.

tls {
  acme {
    hosts = ["pop.example.com"]

    # For a trial, whose certificates no client trusts:
    # directory = "letsencrypt-staging"
  }

  # Or files that something else keeps; then without the acme block:
  # certificate "main" {
  #   cert_file = "/etc/popgate/tls.crt"
  #   key_file  = "/etc/popgate/tls.key"
  # }
}

backend "legacy" {
  address = "10.0.0.5:110"
}
