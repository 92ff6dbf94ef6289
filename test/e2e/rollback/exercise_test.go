package rollback

import (
	"strings"
	"testing"

	"reprise.dev/reprise/test/harness/product"
)

func TestAFailedRolloutIsPutBackAndTheFixAppliesWithoutAConflict(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"ClientSide": nil, "ServerSide": {"--server-side"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, product.Quick)
			p.Apply("1-healthy", flags...)
			p.Becomes("sample-app", "1 Healthy")

			p.Apply("6-crashloop", flags...)
			h := p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
			if got := h[1].FailureMessage(); !strings.Contains(got, "container frontend exits 1") || !strings.Contains(got, "boom") {
				t.Errorf("the error of #2 is %q: it names neither the exit code nor the last words", got)
			}
			if e := h[1].SavedEvidence(); len(e) == 0 || len(e[0].Log) == 0 {
				t.Errorf("no log was saved: %+v", e)
			}
			if h[2].Spec.RollbackOf != 2 || h[2].Spec.RestoredFrom != 1 {
				t.Errorf("#3 is a rollback of %d to %d, want of 2 to 1", h[2].Spec.RollbackOf, h[2].Spec.RestoredFrom)
			}
			message := p.Event("RolledBack", "sample-app")
			for _, want := range []string{"#2 → #1", "exits 1", "boom", "containers.frontend.image 6.7.0 → 6.7.1", "kubectl describe wrev"} {
				if !strings.Contains(message, want) {
					t.Errorf("the event RolledBack says %q, without %q", message, want)
				}
			}

			p.Apply("5-bad-image", flags...)
			h = p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy, 4 RolledBack, 5 Healthy")
			if got := h[3].FailureMessage(); !strings.Contains(got, "6.7.1-does-not-exist not found") {
				t.Errorf("the error of #4 is %q", got)
			}

			p.Apply("3-fixed-limit", flags...)
			p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy, 4 RolledBack, 5 Healthy, 6 Healthy")
			for _, e := range p.Events("", "sample-app") {
				if e.Source.Component == product.Release && e.Count != 1 {
					t.Errorf("%s was told %d times, want once", e.Reason, e.Count)
				}
			}
			d := p.Deployment("sample-app")
			for _, entry := range d.ManagedFields {
				if entry.Manager == "reprise" {
					t.Errorf("Reprise still owns fields: %s", entry.FieldsV1)
				}
			}
			container := d.Spec.Template.Spec.Containers[0]
			if len(container.Command) > 0 || len(container.Args) > 0 {
				t.Errorf("the crashing command was left over: %v %v", container.Command, container.Args)
			}
		})
	}
}

func TestWhatTheAPIServerWouldRefuseIsExplainedAndTheOldPodsGoOn(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")

	said := p.Denied("apply", "-f", product.Tutorial(t, "2-broken"))
	for _, want := range []string{"frontend", "memory", "250Mi", "200Mi"} {
		if !strings.Contains(said, want) {
			t.Errorf("kubectl says %q, without %q", said, want)
		}
	}
	message := p.Event("AdmissionDenied", "sample-app")
	for _, want := range []string{"250Mi", "200Mi", "containers.frontend.image 6.7.0 → 6.7.1"} {
		if !strings.Contains(message, want) {
			t.Errorf("the event AdmissionDenied says %q, without %q", message, want)
		}
	}
	p.Becomes("sample-app", "1 Healthy")
	if d := p.Deployment("sample-app"); d.Status.AvailableReplicas != 1 {
		t.Errorf("%d pods are available, want 1", d.Status.AvailableReplicas)
	}
}
