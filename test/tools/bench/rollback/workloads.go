package main

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/tools/bench/scorelike"
)

const (
	// mostWorkloads have names of the same length, which isWorkload finds.
	mostWorkloads = 10_000
	// perNamespace is how many workloads a namespace has.
	perNamespace = 50
	// senders is how many requests the deployer has under way at once.
	senders = 8
)

// failure is a way in which the second version of a workload fails; the first is well.
type failure struct {
	name string
	// class is the one of docs/health.md.
	class string
	// before changes both versions, after only the second one.
	before, after func(*appsv1.Deployment)
}

func failures() []failure {
	crash := func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Args = []string{"echo panic: no DATABASE_URL; exit 1"}
	}
	return []failure{
		{name: "image not found", class: "certain", after: missingImage},
		{name: "crash loop beside old pods", class: "strong", after: crash},
		{
			name: "crash loop, Recreate", class: "strong", after: crash,
			before: func(d *appsv1.Deployment) {
				d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
			},
		},
	}
}

// missing in an image has no pod find it.
const missing = "does-not-exist"

func missingImage(d *appsv1.Deployment) {
	first := &d.Spec.Template.Spec.Containers[0]
	first.Image = strings.Replace(first.Image, "application", missing, 1)
}

func hasMissingImage(d *appsv1.Deployment) bool {
	return strings.Contains(d.Spec.Template.Spec.Containers[0].Image, missing)
}

// settings have workloads be Healthy soon.
var settings = map[string]string{v1alpha1.BakeTimeAnnotation: "1s"}

// pool makes n workloads of one pod each in namespaces of a name's beginning, side by side, and
// waits until they are Healthy.
func (st *stage) pool(ctx context.Context, namespaces string, n int, change func(*appsv1.Deployment)) ([]*appsv1.Deployment, error) {
	all := make([]*appsv1.Deployment, n)
	for i := range all {
		namespace := fmt.Sprintf("%s-%02d", namespaces, i/perNamespace)
		if i%perNamespace == 0 {
			if err := st.Namespace(ctx, namespace, settings); err != nil {
				return nil, err
			}
		}
		d, err := scorelike.Deployment(namespace, fmt.Sprintf("w-%04d", i), 1, 1)
		if err != nil {
			return nil, err
		}
		if change != nil {
			change(d)
		}
		if err := scorelike.Remember(d); err != nil {
			return nil, err
		}
		all[i] = d
	}
	err := together(ctx, all, func(ctx context.Context, d *appsv1.Deployment) error {
		return st.Deployer.Create(ctx, d, client.FieldOwner(scorelike.DeployedBy))
	})
	if err != nil {
		return nil, fmt.Errorf("making workloads: %w", err)
	}
	return all, st.await(ctx, namespaces, "Healthy", n)
}

// deploy stores a version of a workload with a change.
func (st *stage) deploy(ctx context.Context, d *appsv1.Deployment, version int, change func(*appsv1.Deployment)) error {
	changed := d.DeepCopy()
	if err := scorelike.SetVersion(changed, version); err != nil {
		return err
	}
	change(changed)
	if err := scorelike.Remember(changed); err != nil {
		return err
	}
	if err := st.Deployer.Patch(ctx, changed, client.MergeFrom(d), client.FieldOwner(scorelike.DeployedBy)); err != nil {
		return fmt.Errorf("deploying %s: %w", d.Name, err)
	}
	return nil
}

// together does something for every workload, senders at a time, and returns the first error.
func together(ctx context.Context, all []*appsv1.Deployment, do func(context.Context, *appsv1.Deployment) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	workqueue.ParallelizeUntil(ctx, senders, len(all), func(i int) {
		if err := do(ctx, all[i]); err != nil {
			stop(err)
		}
	})
	return context.Cause(ctx)
}
