// Package node makes a real node of this machine for the cluster of package cluster: kubelet,
// containerd, runc, kube-proxy and a registry, and so real crashes, pulls, probes, logs and
// Services. It needs root and a few Debian packages (CanRun says which are missing) and nothing
// from the network.
//
// All of it, the control plane and the program that asked for it included, lives in one tree of
// processes with a network, mounts and process numbers of its own, so that it is seen by nobody
// else and ends with its first process: Serve and Run start the calling program anew in there.
// README.md shows how it is used.
package node
