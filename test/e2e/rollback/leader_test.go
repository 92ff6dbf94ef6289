package rollback

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// TestTheNextLeaderFinishesWhatAKilledOneLeft kills the binary that leads by SIGKILL, with
// rollbacks done, under way and not begun, and has a second one take over when the Lease has run
// out.
func TestTheNextLeaderFinishesWhatAKilledOneLeft(t *testing.T) {
	api, err := product.NewClient(shared)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := product.Build(t.Context(), os.Stderr, product.Program, ""); err != nil {
		t.Fatal(err)
	}
	first := startOne(t, "first")
	product.Eventually(t, func() (bool, string) { // What is there before it has listed all is adopted.
		err := api.Get(t.Context(), client.ObjectKey{Namespace: product.Namespace, Name: product.Release + "-recorder"}, &coordinationv1.Lease{})
		return err == nil, fmt.Sprintf("reading the recorder's checkpoint: %v", err)
	})
	var all []*run
	for i := range 8 {
		r := &run{T: t, story: story{seed: uint64(i), files: true, serverSide: i%2 == 0, bad: byImage, trigger: byFailure, upset: nothing}, api: api}
		if err := r.createNamespace(); err != nil {
			t.Fatal(err)
		}
		r.deploy(version{name: "good"})
		all = append(all, r)
	}
	for _, r := range all {
		r.becomes("1 Healthy")
		r.before = r.look()
	}
	startOne(t, "second")
	for _, r := range all {
		r.deploy(version{name: "bad", bad: byImage})
	}
	var left progress
	err = wait.PollUntilContextTimeout(t.Context(), time.Millisecond, product.Patience, true, func(ctx context.Context) (bool, error) {
		left, err = progressOf(ctx, api)
		return left.begun > left.done, err
	})
	first.Kill()
	if err != nil {
		t.Fatalf("no rollback was seen under way: %v", err)
	}
	t.Logf("the leader was killed with %d of %d rollbacks written ahead and %d of them done", left.begun, len(all), left.done)
	for _, r := range all {
		product.Eventually(t, func() (bool, string) {
			missing := r.missing(r.look(), nil)
			return missing == "", missing
		})
		r.judge()
	}
}

func startOne(t *testing.T, name string) *product.Instance {
	t.Helper()
	port, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return product.StartFor(t, shared, name, port)
}

// progress is how many rollbacks are written ahead, and how many of these are done.
type progress struct{ begun, done int }

func progressOf(ctx context.Context, api client.Client) (p progress, err error) {
	var list v1alpha1.WorkloadRevisionList
	if err := api.List(ctx, &list); err != nil {
		return p, err
	}
	for _, revision := range list.Items {
		if revision.Status.Rollback != nil {
			p.begun++
			if revision.IsRollbackDone() {
				p.done++
			}
		}
	}
	return p, nil
}
