package configuration

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

func TestAWorkloadThatIsWatchedFollowsANewBakeTime(t *testing.T) {
	p := newPlace(t)
	p.write("defaults:\n  bakeTime: 10h\n")
	p.logs("Configuration changed", "defaults.bakeTime 30s → 10h0m0s")
	d := p.workload("app")
	if err := p.API.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	phase := func(want v1alpha1.Phase) {
		t.Helper()
		p.Becomes("app", "1 "+string(want))
	}
	product.Eventually(t, func() (bool, string) {
		err := p.API.Get(t.Context(), client.ObjectKeyFromObject(d), d)
		return err == nil && d.Status.AvailableReplicas == 1, fmt.Sprintf("its pod is not available (%v)", err)
	})
	phase(v1alpha1.PhaseProgressing)
	p.write("defaults:\n  bakeTime: 1s\n")
	phase(v1alpha1.PhaseHealthy)
}

func TestAnOverrideActsWithoutARestart(t *testing.T) {
	p := newPlace(t)
	refused := func(want string) {
		t.Helper()
		product.Eventually(t, func() (bool, string) {
			err := p.API.Create(t.Context(), p.workload("app"), client.DryRunAll)
			if want == "" {
				return err == nil, fmt.Sprintf("it is refused: %v", err)
			}
			return err != nil && strings.Contains(err.Error(), want), fmt.Sprintf("the answer is %v, want %q", err, want)
		})
	}
	refused("")
	p.write("policies:\n  overrides:\n  - {policy: limits-missing, enforcement: deny, namespaces: {include: [" + p.Namespace + "]}}\n")
	refused("limit")
	p.logs("Configuration changed", "policies.overrides[limits-missing] none → deny in "+p.Namespace)
	p.write("policies: {}\n")
	refused("")
}

func TestABadFileLeavesInForceWhatWasAndSaysSo(t *testing.T) {
	p := newPlace(t)
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
			e := product.AwaitEvent(t, p.API, product.EventFilter{
				Namespace: product.Namespace, Kind: "ConfigMap", Name: product.Release, Reason: "ConfigurationInvalid", Contains: bad.says,
			})
			if e.InvolvedObject.UID == "" {
				t.Error("the Event is about no object that is stored")
			}
			p.write("defaults:\n  bakeTime: 7s\n")
			p.valid(true)
			if log := p.log(); strings.Contains(log, "→ 8s") || strings.Contains(log, "→ 9s") {
				t.Error("a part of the bad file was in force")
			}
		})
	}
}

func TestWhatOnlyAStartCanChangeIsSaidToWait(t *testing.T) {
	p := newPlace(t)
	p.write("failurePolicy: Fail\nrollback:\n  maxConcurrent: 3\n")
	p.logs("Restart Reprise to apply", "failurePolicy Ignore → Fail", "rollback.maxConcurrent 50 → 3")
	p.valid(true)
}
