// Package autoconfig tells mail clients how to set an account up, so that users
// need to know their address and password only: Thunderbird's configuration file
// (draft-ietf-mailmaint-autoconfig) and Microsoft's Autodiscover in its form for
// POP3 (MS-OXDSCLI, "plain old XML").
//
// It knows the two formats, which domains are served, and how to speak HTTP on a
// connection that it is given. It must not know users: an answer depends on the
// domain only, so that nobody learns from it who has a maildrop.
//
// Start with [Server].
package autoconfig
