// Package e2e proves popgate from the outside: the program as it is built, real mail clients before it and a real
// Dovecot behind it. It knows the words of the configuration, the command line and POP3 as a client sees it; it must
// not import any package of popgate, so that nothing but the program itself can make it pass.
//
// There is no code here but tests. Start with popgate_test.go (the program under test), dovecot_test.go (the backend)
// and client_test.go (what a mail client can be asked to do).
package e2e
