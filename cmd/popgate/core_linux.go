package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// forbidCores keeps what is in memory, passwords and keys among it, out of core
// dumps. Doing it twice does no harm.
//
// Deliberate: both ways. Only the limit is inherited by what popgate might ever
// run, and only the flag counts where the kernel hands cores to a program
// (core_pattern with a pipe), which it does whatever the limit is. The flag also
// keeps other processes of the same user from reading popgate's memory; its own
// numbers about itself (/proc/self) stay readable to it.
func forbidCores() error {
	var errs []error
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("limit of core dumps: %w", err))
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("PR_SET_DUMPABLE: %w", err))
	}
	return errors.Join(errs...)
}
