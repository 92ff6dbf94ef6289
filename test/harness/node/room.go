package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// Address is the node's own, where the API server is reached by pods.
	Address = "10.66.0.1"
	// Name is the node's.
	Name = "node1"

	podRange     = "10.244.0.0/24"
	serviceRange = "10.96.0.0/16"
)

// settings are what the kubelet would set for the whole machine: it finds them set as it wants
// them, in files of the node's own (k8s.io/kubernetes/pkg/kubelet/cm/container_manager_linux.go,
// setupKernelTunables).
var settings = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// furnish makes the namespaces that this process is in a place where a node can live. Nothing of it
// is seen outside.
func furnish(ctx context.Context, folder string) error {
	for name, value := range settings {
		if err := cover(ctx, folder, "/proc/sys/"+name, value+"\n"); err != nil {
			return err
		}
	}
	// Nobody answers there, so that an unknown name fails at once.
	if err := cover(ctx, folder, "/etc/resolv.conf", "nameserver 127.0.0.1\n"); err != nil {
		return err
	}
	for _, command := range []string{
		"mount --bind " + filepath.Join(folder, "log") + " /var/log",
		"mount -t tmpfs tmpfs /var/lib",
		"mount -t tmpfs tmpfs /run",
		"mkdir -p /run/lock /var/lib/kubelet /var/lib/containerd",
		// The names of sockets must be short, and images are too large for memory.
		"mount --bind " + filepath.Join(folder, "kubelet") + " /var/lib/kubelet",
		"mount --bind " + filepath.Join(folder, "containerd") + " /var/lib/containerd",
		"ip link set lo up",
		"ip link add node0 type bridge",
		"ip address add " + Address + "/24 dev node0",
		"ip link set node0 up",
		// Nothing leads outside; the route is there for those who ask for the address that they would
		// leave from.
		"ip route add default dev node0",
	} {
		if err := run(ctx, strings.Fields(command)...); err != nil {
			return err
		}
	}
	if err := os.WriteFile("/proc/sys/kernel/hostname", []byte(Name), 0o644); err != nil {
		return err
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// cover puts a file with the content in the place of the one at path, for this namespace only.
func cover(ctx context.Context, folder, path, content string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	file := filepath.Join(folder, "tmp", strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "."))
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		return err
	}
	return run(ctx, "mount", "--bind", file, path)
}

func run(ctx context.Context, command ...string) error {
	if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
