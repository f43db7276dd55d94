//go:build !linux

package main

import (
	"errors"
	"syscall"
)

type identity struct{}

func serverIdentity() *identity { return nil }

func (*identity) own(string) error { return nil }

func attributes(*identity) *syscall.SysProcAttr { return nil }

func killGroup(int) {}

// raiseDescriptors is where a run ends on a system without /proc.
func raiseDescriptors(int) error { return errors.New("the comparison needs Linux's /proc") }
