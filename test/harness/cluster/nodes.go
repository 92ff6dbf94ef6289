package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

//go:embed stages.yaml
var stages []byte

// startNodes creates the nodes, starts the log server that stands for their kubelets, and KWOK,
// which plays everything else. It returns when all nodes are ready.
func (c *Cluster) startNodes(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	logPort, err := c.serveContainerLogs(client)
	if err != nil {
		return err
	}
	for i := range max(1, c.options.Nodes) {
		name := fmt.Sprintf("node-%d", i+1)
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelOSStable: "linux"},
		}}
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating node %s: %w", name, err)
		}
	}
	if err := os.WriteFile(c.file("stages.yaml"), stages, 0o644); err != nil {
		return err
	}
	kubeconfig, err := c.UserKubeconfig("kwok", "kwok", "system:masters")
	if err != nil {
		return err
	}
	args := []string{
		"--kubeconfig=" + kubeconfig, "--config=" + c.file("stages.yaml"), "--manage-all-nodes",
		"--cidr=10.244.0.0/16", "--node-ip=127.0.0.1", fmt.Sprintf("--node-port=%d", logPort),
		"--node-lease-duration-seconds=40",
		// KWOK would serve on the node's port otherwise; its own server is not needed.
		"--server-address=127.0.0.1:0",
	}
	return c.run(ctx, KWOK, args, 0, func(ctx context.Context) error { return nodesReady(ctx, client) })
}

func nodesReady(ctx context.Context, client kubernetes.Interface) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range nodes.Items {
		if !isReady(node) {
			return fmt.Errorf("node %s is not ready", node.Name)
		}
	}
	if len(nodes.Items) == 0 {
		return errors.New("there is no node")
	}
	return nil
}

func isReady(node corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// serveContainerLogs starts the part of a kubelet that KWOK cannot play, see logServer, and returns
// its port.
func (c *Cluster) serveContainerLogs(client kubernetes.Interface) (int, error) {
	cert, err := c.ServingCertificate("kubelet")
	if err != nil {
		return 0, err
	}
	listener, port, err := listenTLS(cert)
	if err != nil {
		return 0, fmt.Errorf("serving container logs: %w", err)
	}
	c.logs = newLogServer(client)
	c.kubelet = &http.Server{Handler: c.logs.handler()}
	go func() { _ = c.kubelet.Serve(listener) }() // ends by Stop
	return port, nil
}

// BreakLogs breaks every connection off on which a container's log is followed. Unless
// ControlPlaneOnly.
func (c *Cluster) BreakLogs() { c.logs.breakOff() }
