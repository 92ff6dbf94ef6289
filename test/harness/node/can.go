package node

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// unsharing is the command that starts a tree of processes apart from the machine's: the end of
// unshare ends all of it.
var unsharing = []string{
	"unshare", "--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL", "--mount-proc",
	"--propagation", "private", "--",
}

// commands are what a node needs of the machine, each with the Debian package that has it.
var commands = []struct{ name, inPackage string }{
	{"unshare", "util-linux"}, {"setpriv", "util-linux"}, {"mount", "mount"}, {"ip", "iproute2"},
	{"containerd", "containerd"}, {"containerd-shim-runc-v2", "containerd"}, {"runc", "runc"},
	{"iptables", "iptables"}, {"conntrack", "conntrack"},
}

// CanRun says in one sentence why no node can run on this machine and what would help, or nothing.
// Inside a node it says nothing.
func CanRun() error {
	if os.Getenv(roleVariable) != "" {
		return nil
	}
	return canRun()
}

var canRun = sync.OnceValue(func() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("a real node runs on Linux only, and this is %s", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return errors.New("a real node needs root, for namespaces and cgroups: run this as root")
	}
	if missing := MissingPackages(); len(missing) > 0 {
		return fmt.Errorf("a real node needs the Debian packages %s: `make node-packages` installs them", strings.Join(missing, " "))
	}
	trial := append(append([]string{}, unsharing[1:]...), "mount", "-t", "tmpfs", "tmpfs", "/run")
	if out, err := exec.Command(unsharing[0], trial...).CombinedOutput(); err != nil {
		return fmt.Errorf("a real node needs namespaces and mounts of its own, which this machine refuses (%w: %s): "+
			"run this outside of a container, or in a privileged one", err, strings.TrimSpace(string(out)))
	}
	return canHaveCgroups()
})

// MissingPackages are the Debian packages of which this machine lacks something that a node needs.
func MissingPackages() (missing []string) {
	for _, c := range commands {
		if _, err := exec.LookPath(c.name); err != nil && !strings.Contains(strings.Join(missing, " "), c.inPackage) {
			missing = append(missing, c.inPackage)
		}
	}
	if cniFolder() == "" {
		missing = append(missing, "containernetworking-plugins")
	}
	return missing
}

// cniFolder is where the plugins of the Container Network Interface are, or nothing.
func cniFolder() string {
	for _, folder := range []string{"/usr/lib/cni", "/opt/cni/bin"} {
		if _, err := os.Stat(filepath.Join(folder, "bridge")); err == nil {
			return folder
		}
	}
	return ""
}

// Require skips the test where no node can run, and says why.
func Require(t testing.TB) {
	t.Helper()
	if err := CanRun(); err != nil {
		t.Skip(err)
	}
}
