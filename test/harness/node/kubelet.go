package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"reprise.dev/reprise/test/harness/cluster"
)

// kubeletConfig leaves everything that decides about a pod's life as it is by default: back-offs,
// grace, probes. It asks for a cluster's DNS server that nobody serves, since without one the
// kubelet warns about every pod.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[1]q}}
authorization: {mode: Webhook}
tlsCertFile: %[2]q
tlsPrivateKeyFile: %[3]q
containerRuntimeEndpoint: "unix://%[4]s"
cgroupDriver: cgroupfs
cgroupRoot: %[5]q
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: [pods]
evictionHard: {memory.available: "10Mi", nodefs.available: "0.1%%", nodefs.inodesFree: "0.1%%", imagefs.available: "0.1%%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
imagePullCredentialsVerificationPolicy: NeverVerify
syncFrequency: 5s
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
`

const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
bindAddress: 0.0.0.0
clusterCIDR: ` + podRange + `
clientConnection: {kubeconfig: %q}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
# Pods share a bridge: an answer would pass by the address translation of its question.
iptables: {masqueradeAll: true, minSyncPeriod: 100ms}
`

// StartKubelet starts the kubelet, as after StopKubelet, and returns when the node is ready.
func (n *Node) StartKubelet(ctx context.Context) error {
	kubeconfig, err := n.UserKubeconfig("kubelet", "system:node:"+Name, "system:nodes")
	if err != nil {
		return err
	}
	serving, err := n.ServingCertificate("kubelet-serving", Address, Name)
	if err != nil {
		return err
	}
	ca, err := n.file("ca.crt", string(n.CA()))
	if err != nil {
		return err
	}
	config, err := n.file("kubelet.yaml", fmt.Sprintf(kubeletConfig, ca, serving.CertFile, serving.KeyFile, containerdSocket,
		"/"+filepath.Base(n.folder)))
	if err != nil {
		return err
	}
	stop, err := n.RunBeside(ctx, cluster.Kubelet, n.programs[cluster.Kubelet], []string{
		"--config=" + config, "--kubeconfig=" + kubeconfig, "--root-dir=/var/lib/kubelet",
		"--hostname-override=" + Name, "--node-ip=" + Address,
	}, n.ready)
	if err != nil {
		return fmt.Errorf("starting the kubelet: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopKubelet = stop
	return nil
}

// StopKubelet ends the kubelet and leaves the containers running, as where a node has lost its
// network.
func (n *Node) StopKubelet() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopKubelet()
}

func (n *Node) startProxy(ctx context.Context) error {
	kubeconfig, err := n.UserKubeconfig("kube-proxy", "system:kube-proxy")
	if err != nil {
		return err
	}
	config, err := n.file("kube-proxy.yaml", fmt.Sprintf(proxyConfig, kubeconfig))
	if err != nil {
		return err
	}
	_, err = n.RunBeside(ctx, cluster.KubeProxy, n.programs[cluster.KubeProxy], []string{
		"--config=" + config, "--hostname-override=" + Name,
	}, proxyReady)
	return err
}

// proxyReady says whether Services are translated: kube-proxy answers for the health checks of load
// balancers.
func proxyReady(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:10256/livez", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("kube-proxy answers " + response.Status)
	}
	return nil
}
