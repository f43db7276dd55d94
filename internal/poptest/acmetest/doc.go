// Package acmetest is an ACME certificate authority in memory, for tests only.
// It is an http.RoundTripper, so a client that is given it needs no socket:
//
//	ca := acmetest.New(t, acmetest.Options{})
//	client := &acme.Client{
//		DirectoryURL: ca.DirectoryURL(),
//		HTTPClient:   &http.Client{Transport: ca},
//	}
//
// It speaks RFC 8555 as far as golang.org/x/crypto/acme does, and checks what
// it is sent as a real CA would: signatures, nonces, URLs, external account
// bindings, states, and certificate requests. Not there: newAuthz, keyChange,
// revokeCert, lists of orders, identifiers other than DNS names. Each
// authorization belongs to one order and is used for no other.
//
// It knows nothing of popgate and imports nothing of it. Start with [CA].
//
// # Trouble
//
// [CA.SetFault] and [CA.Down] spoil single requests, [CA.SetIssue] and
// [CA.SetWrongKey] what is issued, [CA.RejectNonces] nonces, and
// [Options.Validate] decides about challenges ([CheckHTTP] and [CheckALPN] help
// it to do so honestly).
//
// # In a synctest bubble
//
// The CA has no goroutine, no channel and no timer of its own, and holds no
// lock while it waits or calls back, so it works in a bubble and may be made
// outside of it. Its own certificates are valid from 1999 to 2100. Three traps are in
// the client:
//
//   - autocert detaches a goroutine from each order, which asks for the
//     order's authorizations (see deactivatePendingAuthz there). A bubble whose
//     test function returns while that goroutine waits for a timer fails, so
//     end such a test with time.Sleep(6*time.Minute): it gives up after 5.
//     Where nothing waits (no latency, no faults), synctest.Wait is enough.
//   - acme.Client and autocert.Manager hold mutexes during some requests (for
//     the directory, a nonce, an account), and a handshake that wants a
//     certificate on order waits for a lock. Who waits for a mutex is not
//     durably blocked: if time has to pass meanwhile (Latency, Delay, Hang,
//     polls, the client's own retries), the bubble's clock stands still and the
//     test hangs. So have one order at a time on one client, and be wary of
//     Delay and Hang at "nonce" beside autocert's detached goroutine.
//   - Nobody can stop autocert's renewal timers. In a bubble they order again
//     whenever virtual time gets there; outside they outlive the test, and may
//     call the CA after it. The CA bears that.
package acmetest
