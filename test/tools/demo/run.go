package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// run sets the stage and plays the story once for each way to apply.
func run(ctx context.Context, out io.Writer, keep bool) (err error) {
	t := terminal{out}
	t.say("Reprise denies bad Score deployments and rolls failed ones back. This is a real control " +
		"plane (etcd, API server, controllers, scheduler) with simulated nodes, on this machine only.")
	folder, err := os.MkdirTemp("", "reprise-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	c, err := cluster.Start(ctx, cluster.Options{Progress: out})
	if err != nil {
		return err
	}
	defer func() {
		if keep && ctx.Err() == nil {
			t.say("The cluster stays until Ctrl-C. In another terminal:")
			fmt.Fprintf(out, "export KUBECONFIG=%s PATH=%s:$PATH\n", c.Kubeconfig(), filepath.Dir(c.KubectlPath()))
			t.say("docs/tutorial.md continues from here.")
			<-ctx.Done()
		}
		err = errors.Join(err, c.Stop())
	}()
	reprise, err := install(ctx, t, c)
	if err != nil {
		return err
	}
	start := time.Now()
	for _, way := range []struct{ namespace, title, flag string }{
		{"shop", "kubectl apply", ""},
		{"shop-ssa", "kubectl apply --server-side", "--server-side"},
	} {
		t.heading("With " + way.title)
		s, err := newStory(t, c, folder, way.namespace, way.flag)
		if err != nil {
			return err
		}
		if err := s.play(ctx); err != nil {
			if log, logErr := reprise.Logs(); logErr == nil {
				fmt.Fprintf(out, "\nThe end of Reprise's log:\n%s\n", lastBytes(log, 4000))
			}
			return fmt.Errorf("with %s, %w", way.title, err)
		}
	}
	t.say(fmt.Sprintf("Every step had the expected result, in %s. To keep the cluster and explore it, run make demo KEEP=1.",
		time.Since(start).Round(time.Second)))
	return nil
}

// install builds Reprise, installs its chart and starts it as the chart's ServiceAccount.
func install(ctx context.Context, t terminal, c *cluster.Cluster) (*product.Instance, error) {
	if err := c.InstallGatewayCRDs(ctx); err != nil {
		return nil, err
	}
	if _, err := product.Build(ctx, t.out, product.Program, ""); err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	if err := product.Install(ctx, c, port, nil); err != nil {
		return nil, err
	}
	reprise, err := product.Start(ctx, c, product.Program, port)
	if err != nil {
		return nil, err
	}
	t.say("The cluster runs, Reprise's chart is installed, and Reprise is ready.")
	return reprise, nil
}

func newStory(t terminal, c *cluster.Cluster, folder, namespace, flag string) (*story, error) {
	root, err := cluster.RepositoryRoot()
	if err != nil {
		return nil, err
	}
	api, err := product.NewClient(c)
	if err != nil {
		return nil, fmt.Errorf("creating a client: %w", err)
	}
	fixtures := filepath.Join(root, "test", "testdata", "score", "tutorial")
	return &story{terminal: t, cluster: c, api: api, fixtures: fixtures, scratch: folder, namespace: namespace, applyFlag: flag}, nil
}

func lastBytes(text string, n int) string { return text[max(0, len(text)-n):] }
