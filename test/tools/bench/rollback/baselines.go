package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/tools/bench/scorelike"
	"reprise.dev/reprise/workload"
)

// byDefault is the progressDeadlineSeconds of a Deployment that sets none.
const byDefault = 600 * time.Second

// baselines are what Kubernetes and Helm do by themselves about an image that is not found, from
// the completed deploy on; zero where it was not measured.
type baselines struct {
	// deadline is the progressDeadlineSeconds that was set, told how long it took until the Deployment
	// said that it is over. Nothing is put back then.
	deadline, told time.Duration
	// helm is how long it took until `helm upgrade --rollback-on-failure` had the Deployment as it
	// was.
	helm time.Duration
}

// baselines begins to measure and returns what waits for the figures.
func (st *stage) baselines(ctx context.Context, folder string, s sizes) func() (baselines, error) {
	var b baselines
	results := make(chan error, 2)
	go func() { results <- st.ownDeadline(ctx, &b, s) }()
	go func() { results <- st.helm(ctx, &b, folder, s) }()
	return func() (baselines, error) {
		for range cap(results) {
			if err := <-results; err != nil {
				return b, err
			}
		}
		return b, nil
	}
}

// ownDeadline measures when the Deployment itself says that its rollout failed.
func (st *stage) ownDeadline(ctx context.Context, b *baselines, s sizes) error {
	if s.deadline == 0 {
		return nil
	}
	const namespace = "deadline"
	if err := st.Namespace(ctx, namespace, nil); err != nil {
		return err
	}
	d, err := scorelike.Deployment(namespace, "w-0000", 1, 1)
	if err != nil {
		return err
	}
	d.Labels[v1alpha1.GuardLabel] = workload.GuardDisabled
	d.Spec.ProgressDeadlineSeconds = &s.deadline
	if err := st.Deployer.Create(ctx, d, client.FieldOwner(scorelike.DeployedBy)); err != nil {
		return fmt.Errorf("making the workload of the own deadline: %w", err)
	}
	if err := st.available(ctx, d); err != nil {
		return err
	}
	if err := st.deploy(ctx, d, 2, missingImage); err != nil {
		return err
	}
	deployed := time.Now()
	var told time.Time
	err = wait.PollUntilContextTimeout(ctx, time.Second, patience, true, func(context.Context) (found bool, _ error) {
		told, found = deadlineExceeded(st.seen.of(client.ObjectKeyFromObject(d)))
		return found, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the own deadline of %s: %w", d.Name, err)
	}
	b.deadline, b.told = time.Duration(s.deadline)*time.Second, told.Sub(deployed)
	return nil
}

func (st *stage) available(ctx context.Context, d *appsv1.Deployment) error {
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		live := &appsv1.Deployment{}
		err := st.Deployer.Get(ctx, client.ObjectKeyFromObject(d), live)
		return live.Status.AvailableReplicas == 1, err
	})
	if err != nil {
		return fmt.Errorf("waiting for %s to be available: %w", d.Name, err)
	}
	return nil
}
