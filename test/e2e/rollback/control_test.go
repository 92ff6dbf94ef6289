package rollback

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"reprise.dev/reprise/test/harness/product"
)

// TestWhatFailsOldPodsTooIsNoReasonToGoBack deploys while what runs has begun to crash: a database
// is down, say.
func TestWhatFailsOldPodsTooIsNoReasonToGoBack(t *testing.T) {
	t.Parallel()
	// No bake time: what runs is healthy before its first crash.
	p := newPlace(t, map[string]string{"reprise.dev/bake-time": "0s"})
	p.CreateIdle("reader", func(c *corev1.Container) {
		c.Args = []string{"crash-after-ready"}
		// Ready while it runs, and never counted as available with those of the change.
		c.ReadinessProbe = probe("/healthy")
	})
	p.Kubectl("scale", "deployment/reader", "--replicas=1")
	p.Becomes("reader", "1 Healthy")
	deploys(p, "reader", func(c *corev1.Container) { c.Args = []string{"exit 1"} })
	p.Says(p.Event("RollbackHeld", "reader"), "Rollback of #2 on hold (NotCausedByChange): old pods fail the same way, so this change is not the cause: pod reader-", "container main exits 1")
	if h := p.Becomes("reader", "1 Healthy, 2 Progressing"); h[1].Status.Rollback != nil {
		t.Errorf("a rollback was begun: %+v", h[1].Status.Rollback)
	}

	deploys(p, "reader", func(c *corev1.Container) { c.Args = nil })
	h := p.Becomes("reader", "1 Healthy, 2 Superseded, 3 Healthy")
	if n := p.Events("RevisionFailed", "reader"); len(n) > 0 || strings.Contains(h[1].FailureMessage(), "exits") {
		t.Errorf("#2 counts as failed: %q, %d events", h[1].FailureMessage(), len(n))
	}
}

func probe(path string) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(8080)}}}
}

// deploys changes a workload's first container, as a deployer does.
func deploys(p product.Place, name string, change func(*corev1.Container)) {
	p.Helper()
	d := p.Deployment(name)
	change(&d.Spec.Template.Spec.Containers[0])
	d.ResourceVersion = "" // The deployment controller writes too.
	if err := p.API.Update(p.Context(), d); err != nil {
		p.Fatal(err)
	}
}
