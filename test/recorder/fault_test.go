package recorder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr/testr"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/product"
	"reprise.dev/reprise/workload"
)

// errKilled is what a write meets after the process is gone.
var errKilled = errors.New("killed")

// faults decides about every write of a client: an error takes its place.
type faults func() error

func (f faults) wrap(c client.WithWatch) client.WithWatch {
	write := func(do func() error) error {
		if err := f(); err != nil {
			return err
		}
		return do()
	}
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			return write(func() error { return c.Create(ctx, o, options...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
			return write(func() error { return c.Update(ctx, o, options...) })
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, o client.Object, options ...client.SubResourceUpdateOption) error {
			return write(func() error { return c.SubResource(sub).Update(ctx, o, options...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			return write(func() error { return c.SubResource(sub).Patch(ctx, o, patch, options...) })
		},
	})
}

// silent audits nothing.
type silent struct{}

// Audit implements history.Auditor.
func (silent) Audit(context.Context, *appsv1.Deployment) ([]string, error) { return nil, nil }

// record runs a Recorder of this process, as Reprise's own account, until the context ends.
func record(ctx context.Context, t *testing.T, f faults) error {
	t.Helper()
	config, _, err := shared.ServiceAccountConfig(context.WithoutCancel(ctx), product.Namespace, product.Release)
	if err != nil {
		return err
	}
	api, err := client.NewWithWatch(config, client.Options{Scheme: newClient(t).Scheme()})
	if err != nil {
		return err
	}
	leases, err := coordinationclient.NewForConfig(config)
	if err != nil {
		return err
	}
	deployments, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	faulty := f.wrap(api)
	ctx = log.IntoContext(ctx, testr.New(t))
	return history.NewRecorder(history.Recorder{
		Client: faulty, Live: api, Dynamic: deployments, Leases: leases, Events: event.NewWriter(faulty, "fault"), Auditor: silent{},
		Clock: clock.RealClock{}, Defaults: workload.DefaultSettings(), MaxPerMinute: 1000,
		Namespace: product.Namespace, Instance: product.Release + "-fault",
	}).Start(ctx)
}

// begin records a new workload without faults, so that there is a checkpoint to go on from.
func begin(t *testing.T, api client.Client) *appsv1.Deployment {
	t.Helper()
	d := newWorkload(t, api, newNamespace(t, api), "app")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- record(ctx, t, func() error { return nil }) }()
	sameHistory(t, api, d, 1)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAKillBetweenAnyTwoWritesLosesNothingAndRepeatsNothing(t *testing.T) {
	api := newClient(t)
	d := begin(t, api)
	deploys := 1
	// Each round is killed one write later than the one before, until every gap between two writes was met.
	for survives := range 14 {
		deploy(t, api, d, 4, nil)
		deploys += 4
		ctx, kill := context.WithTimeout(t.Context(), product.Patience)
		var writes atomic.Int64
		err := record(ctx, t, func() error {
			if writes.Add(1) > int64(survives) {
				kill()
				return errKilled
			}
			return nil
		})
		kill()
		if err != nil {
			t.Fatal(err)
		}
		if n := writes.Load(); n <= int64(survives) {
			h, err := history.List(t.Context(), api, d.Namespace, d.Name)
			t.Fatalf("%d deploys were recorded in %d writes, and %d of them should have been survived: %d revisions, %v", deploys, n, survives, len(h), err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- record(ctx, t, func() error { return nil }) }()
	sameHistory(t, api, d, deploys)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestARevisionThatNobodyCanFinishIsReplaced is killed after the first write, and then the checkpoint is lost and the
// workload deployed once more: what was begun is never replayed.
func TestARevisionThatNobodyCanFinishIsReplaced(t *testing.T) {
	api := newClient(t)
	d := begin(t, api)
	deploy(t, api, d, 4, nil)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var writes atomic.Int64
	if err := record(ctx, t, func() error {
		if writes.Add(1) > 1 {
			kill()
			return errKilled
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: product.Namespace, Name: product.Release + "-fault-recorder"}}
	if err := api.Delete(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	setImage(t, api, d, "last")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- record(ctx, t, func() error { return nil }) }()
	product.Eventually(t, func() (bool, string) {
		h, err := history.List(ctx, api, d.Namespace, d.Name)
		return err == nil && len(h) == 3 && h[1].Status.Phase == v1alpha1.PhaseSuperseded && h[2].Spec.Images == "app:last" && h[2].Status.Phase != "",
			fmt.Sprintf("%v, %d revisions", err, len(h))
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConflictsAreTriedAgainUntilAllIsRecorded(t *testing.T) {
	const seed = 1
	chance := rand.New(rand.NewPCG(seed, seed))
	written := 0
	// One lane writes, so one goroutine draws and counts.
	for name, conflicts := range map[string]func() bool{
		"AQuarterOfAllWrites":     func() bool { return chance.IntN(4) == 0 },
		"EveryWriteBeforeItsDone": func() bool { written++; return written%2 == 1 },
	} {
		t.Run(name, func(t *testing.T) {
			api := newClient(t)
			d := begin(t, api)
			deploy(t, api, d, 8, nil)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error, 1)
			go func() {
				done <- record(ctx, t, func() error {
					if conflicts() {
						return apierrors.NewConflict(schema.GroupResource{Resource: "anything"}, "x", errKilled)
					}
					return nil
				})
			}()
			sameHistory(t, api, d, 9)
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
