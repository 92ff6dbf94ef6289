// Package cluster starts a real Kubernetes control plane on loopback, without root, containers or
// downloads beyond Go modules: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and
// KWOK in the place of the nodes. The demo and every test that needs an API server use it.
//
// How a pod behaves is decided by its image, command, arguments and probes; README.md has the
// table.
package cluster
