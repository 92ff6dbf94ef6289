package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"reprise.dev/reprise/test/harness/cluster"
)

// binaries are what is built for a node beside the Debian packages.
var binaries = []string{
	cluster.Etcd, cluster.APIServer, cluster.Kubectl, cluster.ControllerManager, cluster.Scheduler,
	cluster.Kubelet, cluster.KubeProxy,
}

// Node is a running cluster with a real node.
type Node struct {
	*cluster.Cluster
	// Registry is where the node pulls every image from, whatever host its name begins with.
	Registry *Registry
	// Prepared is the folder that Options.Prepare has filled.
	Prepared string

	folder   string
	programs map[string]string // paths of what cluster.Binaries has built

	mu          sync.Mutex
	stopKubelet func()
}

// start makes a place of the namespaces that this process is in and starts a cluster there. It
// returns when the node is ready and Services work.
func start(ctx context.Context, folder string, options cluster.Options) (*Node, error) {
	if err := furnish(ctx, folder); err != nil {
		return nil, err
	}
	registry, err := newRegistry()
	if err != nil {
		return nil, err
	}
	n := &Node{Registry: registry, Prepared: filepath.Join(folder, "prepared"), folder: folder}
	if err := n.pushSamples(ctx); err != nil {
		return nil, err
	}
	if n.programs, err = cluster.Binaries(ctx, os.Stderr, binaries...); err != nil {
		return nil, err
	}
	options.OwnNodes, options.Hosts = true, append(options.Hosts, Address, "10.96.0.1")
	options.APIServerFlags = append([]string{
		"--bind-address=0.0.0.0", "--advertise-address=" + Address, "--endpoint-reconciler-type=lease",
		"--authorization-mode=Node", "--enable-admission-plugins=NodeRestriction",
	}, options.APIServerFlags...)
	if n.Cluster, err = cluster.Start(ctx, options); err != nil {
		return nil, err
	}
	if err := n.startContainerd(ctx); err != nil {
		return nil, err
	}
	if err := n.StartKubelet(ctx); err != nil {
		return nil, err
	}
	return n, n.startProxy(ctx)
}

// ready says whether the node is ready for pods.
func (n *Node) ready(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(n.RESTConfig())
	if err != nil {
		return err
	}
	node, err := client.CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && len(node.Spec.Taints) == 0 {
			return nil
		} else if condition.Type == corev1.NodeReady {
			err = errors.New(condition.Message)
		}
	}
	return fmt.Errorf("node %s is not ready: %w", Name, err)
}

// file writes a file of the node and returns its path.
func (n *Node) file(name, content string) (string, error) {
	path := filepath.Join(n.folder, "tmp", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(content), 0o644)
}
