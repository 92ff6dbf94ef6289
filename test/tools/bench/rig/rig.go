// Package rig is what benches measure on: a real control plane with Reprise's chart, the product
// itself, and what the API server and Reprise account for.
package rig

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// Program is what Reprise is called, and its log.
const Program = "reprise"

// Rig is a cluster with Reprise's chart, and the clients that are needed on it.
type Rig struct {
	Cluster *cluster.Cluster
	// Binary is the product's, and Port where its webhooks are to be served.
	Binary   string
	Port     int
	Progress io.Writer
	// Deployer is the administrator; Own acts as Reprise, which alone may write revisions.
	Deployer, Own client.WithWatch
	// Raw reaches the API server's own pages, as the administrator.
	Raw kubernetes.Interface
	// Metrics is the URL of Reprise's own pages, empty before it was started.
	Metrics string
}

// Open builds the product, starts a cluster whose audit log Calls reads, and installs the chart
// with its defaults. The product is not started.
func Open(ctx context.Context, progress io.Writer, o cluster.Options) (*Rig, error) {
	binary, err := product.Build(ctx, progress, product.Program, "")
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(progress, "starting a control plane")
	o.Progress = progress
	c, err := cluster.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	r := &Rig{Cluster: c, Binary: binary, Progress: progress}
	if err := r.install(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return r, nil
}

func (r *Rig) install(ctx context.Context) (err error) {
	if r.Port, err = cluster.FreePort(); err != nil {
		return err
	}
	if err := product.Install(ctx, r.Cluster, r.Port, nil); err != nil {
		return err
	}
	own, _, err := r.Cluster.ServiceAccountConfig(ctx, product.Namespace, product.Release)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if r.Deployer, err = client.NewWithWatch(r.Cluster.RESTConfig(), client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if r.Own, err = client.NewWithWatch(own, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if r.Raw, err = kubernetes.NewForConfig(r.Cluster.RESTConfig()); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return nil
}

// Start runs the product until stop is called, or the cluster ends.
func (r *Rig) Start(ctx context.Context) (stop func(), err error) {
	fmt.Fprintln(r.Progress, "starting Reprise")
	instance, err := product.Start(ctx, r.Cluster, Program, r.Port)
	if err != nil {
		return nil, err
	}
	r.Metrics = instance.Metrics
	return instance.Stop, nil
}

// Explain adds what the product said last to an error.
func (r *Rig) Explain(err error) error {
	if r.Metrics == "" {
		return err
	}
	logs, logErr := r.Cluster.Logs(Program)
	if logErr != nil {
		return errors.Join(err, logErr)
	}
	return fmt.Errorf("%w\nthe end of Reprise's log:\n%s", err, logs[max(0, len(logs)-3000):])
}

// Namespace makes a namespace with Reprise's settings.
func (r *Rig) Namespace(ctx context.Context, name string, settings map[string]string) error {
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: settings}}
	if err := r.Deployer.Create(ctx, n); err != nil {
		return fmt.Errorf("making namespace %s: %w", name, err)
	}
	return nil
}
