//go:build unix

package handover

import (
	"context"
	"syscall"
)

// Start starts the process that takes this one's place. It is in this one's
// process group and at its terminal, in its folder, and gets no other descriptors
// than standard input, output and error and those of opts. The end of ctx ends
// the starting only.
func Start(ctx context.Context, opts Options) (*Successor, error) { return begin(ctx, opts) }

const terminate = syscall.SIGTERM
