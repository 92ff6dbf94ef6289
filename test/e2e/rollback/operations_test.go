package rollback

import (
	"fmt"
	"testing"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

// TestRecorder_OperationsAreNoDeploys pauses and resumes a rollout, and writes what controllers
// write. None of it is a revision, and a rollback neither pauses nor removes it.
func TestRecorder_OperationsAreNoDeploys(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.Kubectl("rollout", "pause", "deployment/sample-app")
	p.Kubectl("annotate", "deployment/sample-app", `field.cattle.io/publicEndpoints=[]`)
	p.Kubectl("rollout", "resume", "deployment/sample-app")
	p.Kubectl("apply", "-f", product.Tutorial(t, "5-bad-image"))
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
	d := p.Deployment("sample-app")
	if d.Spec.Paused || d.Annotations["field.cattle.io/publicEndpoints"] != "[]" {
		t.Errorf("after the rollback: paused %v, annotations %v", d.Spec.Paused, d.Annotations)
	}
}

// TestReconciler_PausedRolloutIsHeld pauses a rollout that failed: its rollback is held for the
// pause, and done once the rollout goes on.
func TestReconciler_PausedRolloutIsHeld(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.Kubectl("annotate", "deployment/sample-app", "reprise.dev/rollback=manual")
	p.Kubectl("apply", "-f", product.Tutorial(t, "6-crashloop"))
	p.Becomes("sample-app", "1 Healthy, 2 Failed")
	p.Kubectl("rollout", "pause", "deployment/sample-app")
	p.Kubectl("annotate", "deployment/sample-app", "reprise.dev/rollback-")
	product.Eventually(t, func() (bool, string) {
		held := p.Becomes("sample-app", "1 Healthy, 2 Failed").Newest().RollbackHold()
		return held != nil && held.Reason == string(v1alpha1.HoldPaused), fmt.Sprintf("the rollback is held as %+v", held)
	})
	p.Kubectl("rollout", "resume", "deployment/sample-app")
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
}
