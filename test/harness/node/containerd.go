package node

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

const containerdSocket = "/run/containerd/containerd.sock"

// containerdConfig is that of containerd 1.6 and later:
// https://github.com/containerd/containerd/blob/v1.6.20/docs/cri/config.md. The score of the
// out-of-memory killer is left as it is (restrict_oom_score_adj), since it may not be lowered here.
const containerdConfig = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = %[1]q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[2]q
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[3]q
    conf_dir = %[4]q
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = %[5]q
`

// network connects pods to the node's bridge.
const network = `{
  "cniVersion": "0.4.0", "name": "pods",
  "plugins": [{
    "type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "` + podRange + `"}]], "routes": [{"dst": "0.0.0.0/0"}]}
  }]
}
`

func (n *Node) startContainerd(ctx context.Context) error {
	conflist, err := n.file("cni/pods.conflist", network)
	if err != nil {
		return err
	}
	// Every registry is this one, and what it does not have is nowhere.
	mirror, err := n.file("certs.d/_default/hosts.toml", fmt.Sprintf("server = %[1]q\n[host.%[1]q]\n", "http://"+registryAddress))
	if err != nil {
		return err
	}
	config, err := n.file("containerd.toml", fmt.Sprintf(containerdConfig, containerdSocket,
		pauseImage, cniFolder(), filepath.Dir(conflist), filepath.Dir(filepath.Dir(mirror))))
	if err != nil {
		return err
	}
	path, err := exec.LookPath("containerd")
	if err != nil {
		return err
	}
	_, err = n.RunBeside(ctx, "containerd", path, []string{"--config=" + config}, func(ctx context.Context) error {
		return run(ctx, "ctr", "--address="+containerdSocket, "version")
	})
	return err
}
