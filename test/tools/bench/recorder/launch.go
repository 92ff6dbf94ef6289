package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/test/tools/bench/rig"
)

// readyWithin bounds the wait until Reprise has read a large history. A cluster waits 90 s for a
// program to be ready, which a busy machine exceeds.
const readyWithin = 6 * time.Minute

// memoryLimit is what the process may use, in bytes: the target beside 5,000 workloads. The chart
// passes on the container's limit in the same way.
const memoryLimit = 400 << 20

// startBesideMuch runs the product as product.Start does, with the configuration's defaults, which
// are the chart's, and waits longer for it.
func (st *stage) startBesideMuch(ctx context.Context) error {
	fmt.Fprintln(st.Progress, "starting Reprise beside the history")
	_, kubeconfig, err := st.Cluster.ServiceAccountConfig(ctx, product.Namespace, product.Release)
	if err != nil {
		return err
	}
	cert, err := st.Cluster.ServingCertificate(rig.Program)
	if err != nil {
		return err
	}
	ports, err := cluster.FreePorts(2)
	if err != nil {
		return err
	}
	health, pages := ports[0], ports[1]
	const host = "127.0.0.1:"
	alive, ready := "http://"+host+strconv.Itoa(health)+"/healthz", "http://"+host+strconv.Itoa(health)+"/readyz"
	_, err = st.Cluster.RunBeside(ctx, rig.Program, st.Binary, []string{
		"--kubeconfig=" + kubeconfig, "--namespace=" + product.Namespace,
		"--webhook-bind-address=" + host + strconv.Itoa(st.Port), "--health-probe-bind-address=" + host + strconv.Itoa(health),
		"--metrics-bind-address=" + host + strconv.Itoa(pages),
		"--tls-cert-file=" + cert.CertFile, "--tls-private-key-file=" + cert.KeyFile,
		"--memory-limit=" + strconv.Itoa(memoryLimit),
	}, func(ctx context.Context) error {
		_, err := rig.Page(ctx, alive)
		return err
	})
	if err != nil {
		return fmt.Errorf("starting reprise: %w", err)
	}
	st.Metrics = "http://" + host + strconv.Itoa(pages)
	var last error
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, readyWithin, true, func(ctx context.Context) (bool, error) {
		_, last = rig.Page(ctx, ready)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for reprise to be ready: %w: %w", err, last)
	}
	return nil
}
