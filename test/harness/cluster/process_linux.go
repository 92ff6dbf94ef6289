package cluster

import "syscall"

// dieWithParent has the kernel kill the process when this program ends without having stopped it.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
