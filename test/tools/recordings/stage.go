package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"reprise.dev/reprise/test/harness/node"
)

// stage is where a scenario is played.
type stage struct{ namespace string }

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: app, annotations: {k8s.score.dev/workload-name: app}}
spec:
  replicas: %d
  %s
  strategy: {type: %s}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app, revision: %q}}
    spec: {%s automountServiceAccountToken: false, terminationGracePeriodSeconds: 2, containers: [{name: main, image: %q, imagePullPolicy: %s, %s}]}
`

func (s scenario) manifest(revision, spec, image, container string) string {
	strategy, pull, deadline := "RollingUpdate", "IfNotPresent", ""
	if s.recreate {
		strategy = "Recreate"
	}
	if s.always {
		pull = "Always"
	}
	if s.deadline > 0 {
		deadline = fmt.Sprintf("progressDeadlineSeconds: %d", s.deadline)
	}
	return fmt.Sprintf(manifest, max(1, s.replicas), deadline, strategy, revision, spec, image, pull, strings.TrimSuffix(container, ", "))
}

// play deploys a revision that is well and then the scenario's over it, and writes what is seen
// from then on.
func (s scenario) play(ctx context.Context, n *node.Node, folder string) error {
	at := stage{namespace: s.name}
	if err := kubectl(ctx, n, at, "", "create", "namespace", s.name); err != nil {
		return err
	}
	n.Registry.Deny("private/app", node.NoToken)
	n.Registry.Deny("private/hub", node.NoScope)
	if err := kubectl(ctx, n, at, s.manifest("1", "", "registry.example.com/app:1", ready), "apply", "-f", "-"); err != nil {
		return err
	}
	if err := kubectl(ctx, n, at, "", "rollout", "status", "deployment/app", "--timeout=180s"); err != nil {
		return err
	}
	if s.before != "" {
		if err := kubectl(ctx, n, at, s.before, "apply", "-f", "-"); err != nil {
			return err
		}
	}
	if s.image == "" {
		s.image = "registry.example.com/app:2"
	}
	if s.image == "registry.example.com/app:down" {
		if err := pushAs(ctx, n, s.image); err != nil {
			return err
		}
	}
	r, err := record(ctx, n, s.name)
	if err != nil {
		return err
	}
	if err := s.perform(ctx, n, at); err != nil {
		return err
	}
	return r.write(folder, s)
}

// perform deploys the second revision and has happen what happens meanwhile.
func (s scenario) perform(ctx context.Context, n *node.Node, at stage) error {
	begin := time.Now()
	deployed := false
	deploy := func() error {
		deployed = true
		return kubectl(ctx, n, at, s.manifest("2", s.spec, s.image, s.container), "apply", "-f", "-")
	}
	for _, h := range s.then {
		if h.at > 0 && !deployed {
			if err := deploy(); err != nil {
				return err
			}
		}
		time.Sleep(time.Until(begin.Add(h.at)))
		if err := h.do(ctx, n, at); err != nil {
			return err
		}
	}
	if !deployed {
		if err := deploy(); err != nil {
			return err
		}
	}
	time.Sleep(time.Until(begin.Add(s.lasts)))
	return nil
}

func kubectl(ctx context.Context, n *node.Node, at stage, stdin string, args ...string) error {
	_, stderr, err := n.KubectlInput(ctx, strings.NewReader(stdin), append([]string{"-n", at.namespace}, args...)...)
	if err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, stderr)
	}
	return nil
}

func apply(object string) func(context.Context, *node.Node, stage) error {
	return func(ctx context.Context, n *node.Node, at stage) error {
		return kubectl(ctx, n, at, object, "apply", "-f", "-")
	}
}

func pushAs(ctx context.Context, n *node.Node, name string) error {
	image, err := n.Sample()
	if err != nil {
		return err
	}
	return n.Registry.Push(ctx, name, image)
}

func pushLater(ctx context.Context, n *node.Node, _ stage) error {
	return pushAs(ctx, n, "registry.example.com/app:later")
}

func deletePods(ctx context.Context, n *node.Node, at stage) error {
	return kubectl(ctx, n, at, "", "delete", "pods", "-l", "revision=2", "--wait=false")
}

func deleteOld(ctx context.Context, n *node.Node, at stage) error {
	return kubectl(ctx, n, at, "", "delete", "pods", "-l", "revision=1", "--wait=false")
}

func drain(ctx context.Context, n *node.Node, at stage) error {
	return kubectl(ctx, n, at, "", "drain", node.Name, "--pod-selector=revision=2", "--force", "--timeout=60s")
}

func uncordon(ctx context.Context, n *node.Node, at stage) error {
	return kubectl(ctx, n, at, "", "uncordon", node.Name)
}

func registryDown(_ context.Context, n *node.Node, _ stage) error { return n.Registry.Stop() }

func registryUp(_ context.Context, n *node.Node, _ stage) error { return n.Registry.Start() }

func stopKubelet(_ context.Context, n *node.Node, _ stage) error { n.StopKubelet(); return nil }

func startKubelet(ctx context.Context, n *node.Node, _ stage) error { return n.StartKubelet(ctx) }
