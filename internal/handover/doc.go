// Package handover is how a process comes to listening sockets that it hasn't
// opened: from systemd (LISTEN_FDS), or from the popgate before it, whose place
// it takes. It knows descriptors, the environment that numbers them, and what
// the two processes say to each other. It must not know what the sockets serve
// nor what a configuration is: it is told what is wanted, in words.
//
// Start with [Sockets]: what was given, and what of it is wanted. [Inherit] fills
// it in the new process, where [Predecessor] is the other end of the talk;
// [Start] is the old process's side, and [Successor] its end.
//
// Deliberate: not go-systemd. Its activation takes descriptors of all kinds as
// they come, and the rest here, which is more, speaks of the same sockets.
package handover
