package rollback

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

func TestWhoMayDeployMayGoBackByAnAnnotation(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.Apply("3-fixed-limit")
	p.Becomes("sample-app", "1 Healthy, 2 Healthy")

	p.Kubectl("annotate", "deployment/sample-app", "reprise.dev/rollback-to=1@9")
	p.Says(p.Event("RequestRejected", "sample-app"), "reprise.dev/rollback-to=1@9", "#2 is live, not #9")

	p.Kubectl("annotate", "deployment/sample-app", "--overwrite", "reprise.dev/rollback-to=1@2")
	h := p.Becomes("sample-app", "1 Healthy, 2 Healthy, 3 Healthy")
	if h[2].Spec.RollbackOf != 2 || h[2].Spec.RestoredFrom != 1 {
		t.Errorf("#3 is a rollback of %d to %d, want of 2 to 1", h[2].Spec.RollbackOf, h[2].Spec.RestoredFrom)
	}
	p.Says(p.Event("RolledBack", "sample-app"), "#2 → #1: requested by reprise.dev/rollback-to=1@2", "containers.frontend.image")
	if r := h[1].Status.Requests; len(r) != 2 || r[1].Result != v1alpha1.RequestAccepted || r[0].Result != v1alpha1.RequestRejected {
		t.Errorf("the requests noted in #2 are %+v, want one void and one granted", r)
	}
	if got := p.Deployment("sample-app").Annotations["reprise.dev/rollback-to"]; got != "1@2" {
		t.Errorf("the request was changed to %q: GitOps would set it again", got)
	}

	// The fix goes through, and the request that still stands is not served a second time.
	p.Apply("3-fixed-limit")
	p.Becomes("sample-app", "1 Healthy, 2 Healthy, 3 Healthy, 4 Healthy")
}

func TestAFailedTemplateIsRefusedUntilSomebodyAsksForARetry(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	bad := product.Tutorial(t, "5-bad-image")
	p.Kubectl("apply", "-f", bad)
	h := p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
	if f := h[1].Status.Failure; f == nil || f.ComparedWith != 1 || len(f.Changes) == 0 || !strings.HasPrefix(f.Changes[0], "containers.frontend.image 6.7.0 → 6.7.1-does-not-exist") {
		t.Errorf("#2 keeps as its failure: %+v", f)
	}

	p.Says(p.Denied("apply", "-f", bad), "failed as revision 2", "not found", "containers.frontend.image 6.7.0 → 6.7.1-does-not-exist", "reprise.dev/retry=2")
	p.Says(p.Event("TemplateQuarantined", "sample-app"), "failed as revision 2", "reprise.dev/retry=2")
	p.Kubectl("apply", "-f", bad, "--dry-run=server")

	p.Kubectl("annotate", "deployment/sample-app", "reprise.dev/retry=2")
	p.Says(p.Event("RetryAccepted", "sample-app"), "#2 is admitted again")
	p.Kubectl("apply", "-f", bad)
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy, 4 RolledBack, 5 Healthy")
	p.Says(p.Denied("apply", "-f", bad), "failed as revision 4")
}

func TestAChangedConfigMapLiftsTheQuarantine(t *testing.T) {
	t.Parallel()
	// Longer than the container runs before it exits: it is ready meanwhile.
	p := newPlace(t, map[string]string{"reprise.dev/bake-time": "4s"})
	settings := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "settings", Namespace: p.Namespace}, Data: map[string]string{"MODE": "wrong"},
	}
	p.Create(settings)
	p.CreateIdle("reader", nil)
	p.Kubectl("scale", "deployment/reader", "--replicas=1")
	p.Becomes("reader", "1 Healthy")
	deploy := func() error {
		d := p.Deployment("reader")
		c := &d.Spec.Template.Spec.Containers[0]
		c.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
		c.Command, c.Args = []string{"/bin/sh", "-c"}, []string{"echo wrong mode; exit 1"}
		d.ResourceVersion = "" // The deployment controller writes too.
		return p.API.Update(t.Context(), d)
	}
	if err := deploy(); err != nil {
		t.Fatal(err)
	}
	p.Becomes("reader", "1 Healthy, 2 RolledBack, 3 Healthy")
	if err := deploy(); err == nil || !strings.Contains(err.Error(), "failed as revision 2") {
		t.Fatalf("the failed template is not refused: %v", err)
	}
	settings.Data["MODE"] = "right"
	if err := p.API.Update(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	if err := deploy(); err != nil {
		t.Errorf("its ConfigMap has changed, and it is refused still: %v", err)
	}
}

func TestAHeldRollbackIsDoneOnceItsReasonHasGone(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	limits := &corev1.LimitRange{
		ObjectMeta: metav1.ObjectMeta{Name: "requests-are-required", Namespace: p.Namespace},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type: corev1.LimitTypePod, Min: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi")},
		}}},
	}
	p.Create(limits)
	p.Apply("6-crashloop")
	p.Becomes("sample-app", "1 Healthy, 2 Failed")
	p.Says(p.Event("RollbackHeld", "sample-app"), "Rollback of #2 on hold (CannotRun): #1 cannot run here any more")
	if err := p.API.Delete(t.Context(), limits); err != nil {
		t.Fatal(err)
	}
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
}
