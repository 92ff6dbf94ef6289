package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/cluster"
	"reprise.dev/reprise/test/product"
)

// account is the user that Reprise is to the API server.
const account = "system:serviceaccount:" + product.Namespace + ":" + product.Release

// auditPolicy has the API server account for what Reprise sends and what others store, by whom and when.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: ["` + account + `"]
- level: Metadata
  users: [admin]
  verbs: [create, update, patch]
  resources: [{group: apps, resources: [deployments]}, {group: "", resources: [configmaps]}]
- level: None
`

// stage is a cluster with Reprise's chart, and the clients that are needed on it.
type stage struct {
	cluster  *cluster.Cluster
	binary   string
	port     int
	progress io.Writer
	// deployer is the administrator; own acts as Reprise, which alone may write Revisions.
	deployer, own client.WithWatch
	// raw reaches the API server's own pages, as the administrator.
	raw kubernetes.Interface
	// metrics is the URL of Reprise's own pages, empty before it was started.
	metrics string
}

// open starts a cluster and installs the chart with its defaults. The product is not started.
func open(ctx context.Context, binary string, progress io.Writer, o cluster.Options) (*stage, error) {
	fmt.Fprintln(progress, "starting a control plane")
	o.AuditPolicy, o.Progress = auditPolicy, progress
	c, err := cluster.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	st := &stage{cluster: c, binary: binary, progress: progress}
	if err := st.install(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return st, nil
}

func (st *stage) install(ctx context.Context) (err error) {
	if st.port, err = cluster.FreePort(); err != nil {
		return err
	}
	if err := product.Install(ctx, st.cluster, st.port, nil); err != nil {
		return err
	}
	own, _, err := st.cluster.ServiceAccountConfig(ctx, product.Namespace, product.Release)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if st.deployer, err = client.NewWithWatch(st.cluster.RESTConfig(), client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if st.own, err = client.NewWithWatch(own, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if st.raw, err = kubernetes.NewForConfig(st.cluster.RESTConfig()); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return nil
}

// program is what Reprise is called, and its log.
const program = "reprise"

// memoryLimit is what Go may take where the chart's limit of 512Mi holds: 80 % of it (cmd/reprise). There is no container
// here that could set it.
const memoryLimit = "410MiB"

// start runs the product until stop is called, or the cluster ends.
func (st *stage) start(ctx context.Context) (stop func(), err error) {
	fmt.Fprintln(st.progress, "starting Reprise")
	if err := os.Setenv("GOMEMLIMIT", memoryLimit); err != nil {
		return nil, err
	}
	instance, err := product.Start(ctx, st.cluster, program, st.binary, st.port)
	if err != nil {
		return nil, err
	}
	st.metrics = instance.Metrics
	return instance.Stop, nil
}

// explain adds what the product said last to an error.
func (st *stage) explain(err error) error {
	if st.metrics == "" {
		return err
	}
	logs, logErr := st.cluster.Logs(program)
	if logErr != nil {
		return errors.Join(err, logErr)
	}
	return fmt.Errorf("%w\nthe end of Reprise's log:\n%s", err, logs[max(0, len(logs)-3000):])
}

// namespace makes a namespace with Reprise's settings.
func (st *stage) namespace(ctx context.Context, name string, settings map[string]string) error {
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: settings}}
	if err := st.deployer.Create(ctx, n); err != nil {
		return fmt.Errorf("making namespace %s: %w", name, err)
	}
	return nil
}
