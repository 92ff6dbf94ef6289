package integration

import (
	"strings"
	"testing"
)

// quick has a rollout judged Healthy soon, so that tests need not wait for the default.
var quick = map[string]string{"reprise.dev/bake-time": "1s"}

func TestAFailedRolloutIsPutBackAndTheFixAppliesWithoutAConflict(t *testing.T) {
	for name, apply := range map[string][]string{
		"ClientSide": {"apply"},
		"ServerSide": {"apply", "--server-side"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, quick)
			deploy := func(step string) { p.kubectl(append(apply, "-f", tutorial(step))...) }

			deploy("1-healthy")
			p.becomes("sample-app", "1 Healthy")

			deploy("6-crashloop")
			h := p.becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
			if got := h[1].FailureMessage(); !strings.Contains(got, "container frontend exits 1") || !strings.Contains(got, "boom") {
				t.Errorf("the error of #2 is %q: it names neither the exit code nor the last words", got)
			}
			if e := h[1].SavedEvidence(); len(e) == 0 || len(e[0].Log) == 0 {
				t.Errorf("no log was saved: %+v", e)
			}
			if h[2].Spec.RollbackOf != 2 || h[2].Spec.RestoredFrom != 1 {
				t.Errorf("#3 is a rollback of %d to %d, want of 2 to 1", h[2].Spec.RollbackOf, h[2].Spec.RestoredFrom)
			}
			message := p.event("RolledBack", "sample-app")
			for _, want := range []string{"#2 → #1", "exits 1", "boom", "containers.frontend.image 6.7.0 → 6.7.1", "kubectl describe wrev"} {
				if !strings.Contains(message, want) {
					t.Errorf("the event RolledBack says %q, without %q", message, want)
				}
			}

			deploy("5-bad-image")
			h = p.becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy, 4 RolledBack, 5 Healthy")
			if got := h[3].FailureMessage(); !strings.Contains(got, "6.7.1-does-not-exist not found") {
				t.Errorf("the error of #4 is %q", got)
			}

			deploy("3-fixed-limit")
			p.becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy, 4 RolledBack, 5 Healthy, 6 Healthy")
			for reason, counts := range p.counts("sample-app") {
				for _, n := range counts {
					if n != 1 {
						t.Errorf("%s was told %d times, want once", reason, n)
					}
				}
			}
			d := p.deployment("sample-app")
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
	p := newPlace(t, quick)
	p.kubectl("apply", "-f", tutorial("1-healthy"))
	p.becomes("sample-app", "1 Healthy")

	said := p.refused("apply", "-f", tutorial("2-broken"))
	for _, want := range []string{"frontend", "memory", "250Mi", "200Mi"} {
		if !strings.Contains(said, want) {
			t.Errorf("kubectl says %q, without %q", said, want)
		}
	}
	message := p.event("AdmissionDenied", "sample-app")
	for _, want := range []string{"250Mi", "200Mi", "containers.frontend.image 6.7.0 → 6.7.1"} {
		if !strings.Contains(message, want) {
			t.Errorf("the event AdmissionDenied says %q, without %q", message, want)
		}
	}
	p.becomes("sample-app", "1 Healthy")
	if d := p.deployment("sample-app"); d.Status.AvailableReplicas != 1 {
		t.Errorf("%d pods are available, want 1", d.Status.AvailableReplicas)
	}
}
