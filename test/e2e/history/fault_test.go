package history

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/dynamic"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/history/recorder"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/faults"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/workload"
)

const (
	// instance names the install whose Recorder runs here.
	instance = product.Release + "-fault"
	// checkpointLease keeps its checkpoint.
	checkpointLease = instance + "-recorder"
)

// silent audits nothing.
type silent struct{}

// Audit implements recorder.Auditor.
func (silent) Audit(context.Context, *appsv1.Deployment) ([]string, error) { return nil, nil }

// life is one life of a Recorder. decide is asked about every write but those of the checkpoint,
// which come with time.
func life(ctx context.Context, decide func() faults.Outcome) *faults.Process {
	return faults.NewProcess(ctx, func(w faults.Write) faults.Outcome {
		if strings.Contains(w.Path, "/leases") {
			return faults.Pass
		}
		return decide()
	})
}

func harmless() faults.Outcome { return faults.Pass }

// survives kills after n writes.
func survives(n int) func() faults.Outcome {
	writes := 0
	return func() faults.Outcome {
		if writes++; writes > n {
			return faults.KillBefore
		}
		return faults.Pass
	}
}

// record runs a Recorder, as Reprise's own account, until its life ends.
func record(p *faults.Process, t *testing.T) error {
	t.Helper()
	account, _, err := shared.ServiceAccountConfig(context.WithoutCancel(p.Context()), product.Namespace, product.Release)
	if err != nil {
		return err
	}
	config := p.Config(account, faults.Lag{})
	api, err := client.New(config, client.Options{Scheme: newClient(t).Scheme()})
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
	return recorder.NewRecorder(&recorder.Recorder{
		Client: api, Live: api, Dynamic: deployments, Leases: leases, Events: emit.NewWriter(api, "fault"), Auditor: silent{},
		Clock: clock.RealClock{}, Defaults: longHistories, MaxPerMinute: func() int { return 1000 },
		Namespace: product.Namespace, Instance: instance,
	}).Start(p.Context())
}

// inBackground runs a Recorder until stop is called.
func inBackground(t *testing.T, decide func() faults.Outcome) (stop func()) {
	return startLife(t, life(t.Context(), decide))
}

func startLife(t *testing.T, p *faults.Process) (stop func()) {
	done := make(chan error, 1)
	go func() { done <- record(p, t) }()
	return func() {
		t.Helper()
		p.Kill()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// begin records a new workload without faults, so that there is a checkpoint to go on from.
func begin(t *testing.T, api client.Client) *appsv1.Deployment {
	t.Helper()
	d := newWorkload(t, api, newNamespace(t, api), "app")
	stop := inBackground(t, harmless)
	sameHistory(t, api, d, 1)
	product.Eventually(t, func() (bool, string) {
		lease := &coordinationv1.Lease{}
		err := api.Get(t.Context(), client.ObjectKey{Namespace: product.Namespace, Name: checkpointLease}, lease)
		order, _ := resourceversion.CompareResourceVersion(lease.Annotations["reprise.dev/recorded-up-to"], d.ResourceVersion)
		return err == nil && order >= 0, fmt.Sprintf("no checkpoint since the workload was made: %v, %v", err, lease.Annotations)
	})
	stop()
	return d
}

func TestAKillBetweenAnyTwoWritesLosesNothingAndRepeatsNothing(t *testing.T) {
	api := newClient(t)
	d := begin(t, api)
	deploys := 1
	// Each round is killed one write later than the one before, until every gap between two writes was
	// met.
	for n := range 14 {
		deploy(t, api, d, 4, nil)
		deploys += 4
		if err := record(life(t.Context(), survives(n)), t); err != nil {
			t.Fatal(err)
		}
	}
	stop := inBackground(t, harmless)
	sameHistory(t, api, d, deploys)
	stop()
}

// TestARevisionThatNobodyCanFinishIsReplaced is killed after the first write, and then the
// checkpoint is lost and the workload deployed once more: what was begun is never replayed.
func TestARevisionThatNobodyCanFinishIsReplaced(t *testing.T) {
	api := newClient(t)
	d := begin(t, api)
	deploy(t, api, d, 4, nil)
	if err := record(life(t.Context(), survives(1)), t); err != nil {
		t.Fatal(err)
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: product.Namespace, Name: checkpointLease}}
	if err := api.Delete(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	setImage(t, api, d, "last")
	stop := inBackground(t, harmless)
	product.Eventually(t, func() (bool, string) {
		h, err := store.List(t.Context(), api, d.Namespace, d.Name)
		return err == nil && len(h) == 3 && h[1].Status.Phase == v1alpha1.PhaseSuperseded && h[2].Spec.Images == "app:last" && h[2].Status.Phase != "",
			fmt.Sprintf("%v, %d revisions", err, len(h))
	})
	stop()
}

var named = regexp.MustCompile(`"name":"[^"]*"`)

// TestEveryWriteMeetsAConflictFirst refuses each write once, that of the checkpoint included.
func TestEveryWriteMeetsAConflictFirst(t *testing.T) {
	api := newClient(t)
	d := begin(t, api)
	deploy(t, api, d, 8, nil)
	met := map[string]bool{}
	p := faults.NewProcess(t.Context(), func(w faults.Write) faults.Outcome {
		write := w.Method + w.Path + string(named.Find(w.Body)) // What is created is not named by the path.
		if met[write] {
			return faults.Pass
		}
		met[write] = true
		return faults.Conflict
	})
	stop := startLife(t, p)
	sameHistory(t, api, d, 9)
	stop()
	if len(met) < 8*3 {
		t.Errorf("only %d writes met a conflict", len(met))
	}
}

// longHistories are the defaults of an install that keeps every revision of these tests.
func longHistories() workload.Settings {
	settings := workload.DefaultSettings()
	settings.MaxHistory = 400
	return settings
}
