package plugin

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

// rescued is the exercise's story up to where the last good revision is back.
func rescued(t *testing.T) place {
	t.Helper()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.Apply("6-crashloop")
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
	return p
}

func TestTheDayIsSeenInOneCommandEach(t *testing.T) {
	t.Parallel()
	p := rescued(t)
	const cause = "container frontend exits 1 ("

	t.Run("status", func(t *testing.T) {
		p.reprise("status").says(p, 0, "NAME         REVISION   PHASE", "sample-app   3          Healthy   1/1    podinfo:6.7.0", cause)
		p.reprise("status", "deploy/sample-app").says(p, 0, "#3, Healthy for", "it is a rollback to #1", "1 of 1 ready", "Quarantined:", cause)
		p.reprise("status", "-A").says(p, 0, "NAMESPACE", p.Namespace)
		p.reprise("status", "sample-app", "-o", "json").says(p, 0, "{\n    \"namespace\": ", `"revision": 3`)
		p.reprise("status", "-o", "name").says(p, 0, "deployment.apps/sample-app")
		var told struct {
			Items []struct {
				Revision, LastHealthy int64
				LastFailure           struct{ RolledBackTo int64 }
			}
		}
		if err := json.Unmarshal([]byte(p.reprise("status", "-o", "json").out), &told); err != nil || len(told.Items) != 1 ||
			told.Items[0].Revision != 3 || told.Items[0].LastHealthy != 3 || told.Items[0].LastFailure.RolledBackTo != 1 {
			t.Errorf("for tools it is %+v, %v", told, err)
		}
	})
	t.Run("history", func(t *testing.T) {
		said := p.reprise("history")
		said.says(p, 0, "REVISION   PHASE        NOTE", "2          RolledBack", "3          Healthy      live", cause, "back to #1", "kubectl-client-side-apply")
		var list v1alpha1.WorkloadRevisionList
		if err := yaml.UnmarshalStrict([]byte(p.reprise("history", "sample-app", "-o", "yaml").out), &list); err != nil || len(list.Items) != 3 || list.Items[0].Kind != "WorkloadRevision" {
			t.Errorf("for tools it is %d revisions, %v", len(list.Items), err)
		}
		p.reprise("history", "-o", "name").says(p, 0, "workloadrevision.reprise.dev/sample-app-1\n")
	})
	t.Run("diff", func(t *testing.T) {
		p.reprise("diff").says(p, 0, "#1 → #2: the restored revision and the one that it replaced", "~ containers.frontend.image: ghcr.io/stefanprodan/podinfo:6.7.0 → ghcr.io/stefanprodan/podinfo:6.7.1", `+ containers.frontend.args: ["echo boom >&2; exit 1"]`)
		p.reprise("diff", "sample-app", "1", "3").says(p, 0, "#1 → #3\nno change\n")
		p.reprise("diff", "sample-app", "2", "--kubernetes").says(p, 0, "#2 → #3", `spec.template.spec.containers[name="frontend"].image`)
		p.reprise("diff", "sample-app", "1", "2", "-o", "json").says(p, 0, `"field": "containers.frontend.image"`)
		p.reprise("diff", "sample-app", "1", "9").says(p, 2, "sample-app has no revision #9; there are 1, 2, 3")
	})
	t.Run("why", func(t *testing.T) {
		p.reprise("why").says(p, 0, "sample-app #2 failed", "rolled back to #1", cause, "| boom", "exit code 1", "Changes since #1",
			"the rollback to #1 was complete", "it runs as #3, which is Healthy", "kubectl reprise retry sample-app -n "+p.Namespace)
		p.reprise("why", "sample-app", "3").says(p, 0, "sample-app #3 has been Healthy for")
		var revision v1alpha1.WorkloadRevision
		if err := yaml.UnmarshalStrict([]byte(p.reprise("why", "sample-app", "2", "-o", "yaml").out), &revision); err != nil || revision.Kind != "WorkloadRevision" || revision.Spec.Number != 2 {
			t.Errorf("for tools it is %s #%d, %v", revision.Kind, revision.Spec.Number, err)
		}
	})
	t.Run("on a terminal", func(t *testing.T) {
		for _, words := range [][]string{{"status"}, {"history"}, {"why"}, {"diff"}} {
			told := p.onTerminal(80, "", words...)
			told.says(p, 0, "\x1b[31m")
			if piped := p.reprise(words...); strings.Contains(piped.out, "\x1b") {
				t.Errorf("%v is coloured in a pipe:\n%s", words, piped.out)
			}
		}
		for line := range strings.Lines(p.onTerminal(80, "", "history").out) {
			if width := len([]rune(plain(line))) - 1; width > 80 {
				t.Errorf("%d columns: %s", width, line)
			}
		}
	})
}

func TestWhatWasRefusedIsToldWhileItIsTheLastThingThatHappened(t *testing.T) {
	t.Parallel()
	p := rescued(t)
	refused := func(file string) {
		t.Helper()
		if out, err := p.command("kubectl", "-n", p.Namespace, "apply", "-f", file).CombinedOutput(); err == nil {
			t.Fatalf("it was not refused: %s", out)
		}
	}
	p.Kubectl("create", "role", "eventless", "--verb=get,list,watch", "--resource=deployments.apps,workloadrevisions.reprise.dev")
	p.Kubectl("create", "rolebinding", "eventless", "--role=eventless", "--user=eventless")
	follow, eventless := p.follow("status", "-w"), p.follow("status", "-w", "--as=eventless")
	follow.shows("sample-app   3 ")
	eventless.shows("sample-app   3 ")

	// What failed before is refused, and then what a policy denies.
	refused(product.Tutorial(t, "6-crashloop"))
	product.Eventually(t, func() (bool, string) {
		said := p.reprise("why")
		return strings.Contains(said.out, "since it failed as #2"), said.out
	})
	p.reprise("why").says(p, 0, "sample-app: admission denied an apply", "container frontend exits 1 (", "kubectl reprise why sample-app -n "+p.Namespace+" 2", "kubectl reprise retry")
	p.reprise("why", "sample-app", "2").says(p, 0, "sample-app #2 failed")
	refused(product.Tutorial(t, "2-broken"))
	const violation = "containers.frontend.resources.requests.memory: request 250Mi exceeds the limit 200Mi"
	product.Eventually(t, func() (bool, string) {
		said := p.reprise("why")
		return strings.Contains(said.out, ", by policy requests-within-limits\n"), said.out
	})
	p.reprise("why").says(p, 0, violation, "Changes to what runs, #3:", "containers.frontend.image 6.7.0 → 6.7.1", "lower the request to 200Mi or raise the limit to 250Mi")
	p.reprise("status", "sample-app").says(p, 0, "Denied: ", "by policy requests-within-limits: "+violation)
	p.reprise("status").says(p, 0, "DENIED", "requests-within-limits")
	p.reprise("status", "-o", "json").says(p, 0, `"reason": "AdmissionDenied"`, `"policy": "requests-within-limits"`)
	p.reprise("why", "-o", "yaml").says(p, 0, "kind: WorkloadRevision\n")
	follow.shows("ago: requests-within-limits, " + violation)

	// Who may not read events is told less.
	p.reprise("why", "--as=eventless").says(p, 0, "sample-app #2 failed")
	if said := p.reprise("status", "sample-app", "--as=eventless"); said.code != 0 || strings.Contains(said.out, "Denied") || said.errors != "" {
		t.Errorf("exit code %d:\n%s%s", said.code, said.out, said.errors)
	}

	// Once something was deployed it is over.
	p.Apply("3-fixed-limit")
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy, 4 Healthy")
	if said := p.reprise("status", "sample-app"); strings.Contains(said.out, "Denied") {
		t.Errorf("a denial is told that is over:\n%s", said.out)
	}
	eventless.shows("sample-app   4          Healthy")
	follow.interrupt()
	eventless.interrupt()
}
