package configuration

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

func TestAWorkloadThatIsWatchedFollowsANewBakeTime(t *testing.T) {
	p := newPlace(t, "bakes")
	p.write("defaults:\n  bakeTime: 10h\n")
	p.logs("Configuration changed", "defaults.bakeTime 30s → 10h0m0s")
	d := p.workload("app")
	if err := p.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	phase := func(want v1alpha1.Phase) {
		t.Helper()
		product.Eventually(t, func() (bool, string) {
			var list v1alpha1.WorkloadRevisionList
			if err := p.List(t.Context(), &list, client.InNamespace(p.namespace)); err != nil || len(list.Items) != 1 {
				return false, fmt.Sprintf("there are %d revisions (%v)", len(list.Items), err)
			}
			return list.Items[0].Status.Phase == want, fmt.Sprintf("the revision is %s, want %s", list.Items[0].Status.Phase, want)
		})
	}
	product.Eventually(t, func() (bool, string) {
		err := p.Get(t.Context(), client.ObjectKeyFromObject(d), d)
		return err == nil && d.Status.AvailableReplicas == 1, fmt.Sprintf("its pod is not available (%v)", err)
	})
	phase(v1alpha1.PhaseProgressing)
	p.write("defaults:\n  bakeTime: 1s\n")
	phase(v1alpha1.PhaseHealthy)
}

func TestAnOverrideActsWithoutARestart(t *testing.T) {
	p := newPlace(t, "overrides")
	refused := func(want string) {
		t.Helper()
		product.Eventually(t, func() (bool, string) {
			err := p.Create(t.Context(), p.workload("app"), client.DryRunAll)
			if want == "" {
				return err == nil, fmt.Sprintf("it is refused: %v", err)
			}
			return err != nil && strings.Contains(err.Error(), want), fmt.Sprintf("the answer is %v, want %q", err, want)
		})
	}
	refused("")
	p.write("policies:\n  overrides:\n  - {policy: limits-missing, enforcement: deny, namespaces: {include: [overrides]}}\n")
	refused("limit")
	p.logs("Configuration changed", "policies.overrides[limits-missing] none → deny in overrides")
	p.write("policies: {}\n")
	refused("")
}

func TestABadFileLeavesInForceWhatWasAndSaysSo(t *testing.T) {
	p := newPlace(t, "mistakes")
	p.write("defaults:\n  bakeTime: 7s\n")
	p.logs("Configuration changed", "bakeTime", "→ 7s")
	p.valid(true)
	for _, bad := range []struct{ reason, content, says string }{
		{"mistakes, each with its line", "defaults:\n  bakeTime: 8s\n  historyLimit: 1\nhistory:\n  retainDeleted: long\n",
			`line 3: defaults.historyLimit: Invalid value: 1: expected at least 2, the live revision and a rollback target; line 5: history.retainDeleted: Invalid value: "long": expected a duration such as 24h`},
		{"a policy that does not exist", "defaults:\n  bakeTime: 9s\npolicies:\n  overrides: [{policy: no-such-policy, enforcement: deny}]\n",
			`no-such-policy`},
	} {
		t.Run(bad.reason, func(t *testing.T) {
			p.write(bad.content)
			p.valid(false)
			product.Eventually(t, func() (bool, string) {
				var events corev1.EventList
				if err := p.List(t.Context(), &events, client.InNamespace(product.Namespace)); err != nil {
					return false, err.Error()
				}
				for _, e := range events.Items {
					if e.Reason == "ConfigurationInvalid" && e.InvolvedObject.Kind == "ConfigMap" && e.InvolvedObject.Name == product.Release &&
						e.InvolvedObject.UID != "" && strings.Contains(e.Message, bad.says) {
						return true, ""
					}
				}
				return false, fmt.Sprintf("no Event about the ConfigMap says %q", bad.says)
			})
			p.write("defaults:\n  bakeTime: 7s\n")
			p.valid(true)
			if log := p.log(); strings.Contains(log, "→ 8s") || strings.Contains(log, "→ 9s") {
				t.Error("a part of the bad file was in force")
			}
		})
	}
}

func TestWhatOnlyAStartCanChangeIsSaidToWait(t *testing.T) {
	p := newPlace(t, "waits")
	p.write("failurePolicy: Fail\nrollback:\n  maxConcurrent: 3\n")
	p.logs("Restart Reprise to apply", "failurePolicy Ignore → Fail", "rollback.maxConcurrent 50 → 3")
	p.valid(true)
}
