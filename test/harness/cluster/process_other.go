//go:build !linux

package cluster

import "syscall"

// dieWithParent does nothing: only Linux can tie a process to its parent. Stop ends it.
func dieWithParent(*syscall.SysProcAttr) {}
