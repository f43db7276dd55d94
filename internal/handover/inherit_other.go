//go:build !unix

package handover

import (
	"context"
	"errors"
	"net"
	"os"
)

// Inherit finds nothing: descriptors are not passed on here.
func Inherit() (*Sockets, *Predecessor, error) { return new(Sockets), nil, nil }

func localAddr(int) net.Addr { return nil }

func duplicate(int) (*os.File, error) { return nil, errors.ErrUnsupported }

func closeDescriptor(int) {}

var terminate = os.Interrupt

// Start fails: descriptors are not passed on here.
func Start(context.Context, Options) (*Successor, error) { return nil, errors.ErrUnsupported }
