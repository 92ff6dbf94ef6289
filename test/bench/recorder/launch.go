package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"reprise.dev/reprise/test/cluster"
	"reprise.dev/reprise/test/product"
)

// readyWithin bounds the wait until Reprise has read a large history. A cluster waits 90 s for a program to be ready,
// which a busy machine exceeds.
const readyWithin = 6 * time.Minute

// startBesideMuch runs the product as product.Start does, with the configuration's defaults, which are the chart's,
// and waits longer for it.
func (st *stage) startBesideMuch(ctx context.Context) error {
	fmt.Fprintln(st.progress, "starting Reprise beside the history")
	_, kubeconfig, err := st.cluster.ServiceAccountConfig(ctx, product.Namespace, product.Release)
	if err != nil {
		return err
	}
	cert, err := st.cluster.ServingCertificate(program)
	if err != nil {
		return err
	}
	health, errHealth := cluster.FreePort()
	pages, errPages := cluster.FreePort()
	if err := errors.Join(errHealth, errPages); err != nil {
		return err
	}
	const host = "127.0.0.1:"
	alive, ready := "http://"+host+strconv.Itoa(health)+"/healthz", "http://"+host+strconv.Itoa(health)+"/readyz"
	_, err = st.cluster.RunBeside(ctx, program, st.binary, []string{
		"--kubeconfig=" + kubeconfig, "--namespace=" + product.Namespace,
		"--webhook-bind-address=" + host + strconv.Itoa(st.port), "--health-probe-bind-address=" + host + strconv.Itoa(health),
		"--metrics-bind-address=" + host + strconv.Itoa(pages),
		"--tls-cert-file=" + cert.CertFile, "--tls-private-key-file=" + cert.KeyFile,
	}, func(ctx context.Context) error {
		_, err := get(ctx, alive)
		return err
	})
	if err != nil {
		return fmt.Errorf("starting reprise: %w", err)
	}
	st.metrics = "http://" + host + strconv.Itoa(pages)
	var last error
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, readyWithin, true, func(ctx context.Context) (bool, error) {
		_, last = get(ctx, ready)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for reprise to be ready: %w: %w", err, last)
	}
	return nil
}

// get reads a page.
func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, response.Status)
	}
	return string(page), err
}
