package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reprise.dev/reprise/test/harness/product"
)

func TestWaitTellsTheFateOfWhatWasApplied(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	healthy, crashing, fixed := product.Tutorial(t, "1-healthy"), product.Tutorial(t, "6-crashloop"), product.Tutorial(t, "3-fixed-limit")

	p.apply(healthy)
	p.reprise("wait", "-f", healthy).says(p, 0, "sample-app #1 is Healthy: podinfo:6.7.0")

	p.apply(crashing)
	p.reprise("wait", "sample-app").says(p, 1, "sample-app #2 failed", "rolled back to #1", "container frontend exits 1 (", "| boom", "kubectl reprise why sample-app -n "+p.Namespace+" 2")
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")

	// The rollback is over before the wait begins.
	p.reprise("wait", "-f", crashing).says(p, 1, "sample-app #2 failed")
	p.reprise("wait").says(p, 1, "sample-app #2 failed")
	p.reprise("wait", "-f", healthy).says(p, 0, "sample-app #3 is Healthy")
	p.reprise("wait", "-f", fixed).says(p, 2, "no revision of sample-app matches the file")
	p.reprise("wait", "other").says(p, 2, `has no workload "other"`)

	p.apply(fixed)
	p.reprise("wait", "-f", fixed, "--timeout", "1ms").says(p, 2, "timed out after 1ms")
	p.reprise("wait", "-f", fixed).says(p, 0, "sample-app #4 is Healthy: podinfo:6.7.1")
}

// TestWaitKnowsWhatWasApplied: also where the file leaves a field out that was put back since, and
// where the deployer's memory of what it applied is elsewhere.
func TestWaitKnowsWhatWasApplied(t *testing.T) {
	kubectl := func(flags ...string) func(p place, file string) {
		return func(p place, file string) { p.Kubectl(append(flags, "-f", file)...) }
	}
	for name, apply := range map[string]func(p place, file string){
		"ClientSide": kubectl("apply"), "ServerSide": kubectl("apply", "--server-side"), "Replace": kubectl("replace", "--save-config=false"),
		"Helm": helm("--server-side=true"), "HelmClientSide": helm("--server-side=false"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, product.Quick)
			healthy := product.Tutorial(t, "1-healthy")
			crashing := changed(t, product.Tutorial(t, "6-crashloop"), "          env:\n            - name: PODINFO_UI_MESSAGE\n              value: new feature\n", "")
			if name == "Replace" {
				p.Kubectl("create", "-f", healthy)
			} else {
				apply(p, healthy)
			}
			p.reprise("wait", "-f", healthy).says(p, 0, "sample-app #1 is Healthy")
			p.reprise("wait", "-f", crashing).says(p, 2, "no revision of sample-app matches the file")
			apply(p, crashing)
			p.reprise("wait", "-f", crashing).says(p, 1, "sample-app #2 failed", "- containers.frontend.variables.PODINFO_UI_MESSAGE")
			p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
			p.reprise("wait", "-f", crashing).says(p, 1, "sample-app #2 failed")
			p.reprise("wait", "-f", healthy).says(p, 0, "sample-app #3 is Healthy")
		})
	}
}

// helm applies a manifest by helm upgrade --install.
func helm(flags ...string) func(p place, file string) {
	return func(p place, file string) {
		p.Helper()
		content, err := os.ReadFile(file)
		if err != nil {
			p.Fatal(err)
		}
		if said, err := shared.HelmUpgrade(p.Context(), p.TempDir(), p.Namespace, "sample-app", string(content), flags...); err != nil {
			p.Fatalf("%v: %s", err, said)
		}
	}
}

// changed is a manifest with a part of it replaced.
func changed(t *testing.T, file, part, by string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), part) {
		t.Fatalf("%s lacks %q", file, part)
	}
	file = filepath.Join(t.TempDir(), "manifests.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(content), part, by)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWaitWaitsForEveryWorkloadOfAFile(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	other := changed(t, product.Tutorial(t, "1-healthy"), "sample-app", "other-app")
	both := changed(t, product.Tutorial(t, "6-crashloop"), "kind: HTTPRoute", "kind: HTTPRoute") // A copy to append to.
	content, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(both, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.Write(append([]byte("---\n"), content...))
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	p.apply(both)
	p.reprise("wait", "-f", both).says(p, 1, "sample-app #2 failed", "other-app #1 is Healthy")
	p.reprise("wait", "-f", both, "other-app").says(p, 0, "other-app #1 is Healthy")
	p.reprise("wait", "-f", both, "third").says(p, 2, "the manifests have the Deployments other-app, sample-app")
}

func TestWaitSaysThatAnotherDeployCameFirst(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{"reprise.dev/bake-time": "10m"})
	healthy, fixed := product.Tutorial(t, "1-healthy"), product.Tutorial(t, "3-fixed-limit")
	p.apply(healthy)
	p.Becomes("sample-app", "1 Progressing")
	ended := make(chan typed)
	go func() { ended <- p.reprise("wait", "-f", healthy) }()
	time.AfterFunc(3*time.Second, func() { p.apply(fixed) }) // The wait has begun or not: both must tell the same.
	(<-ended).says(p, 3, "sample-app #1 was replaced before there was a verdict: #2 was deployed by kubectl-client-side-apply")
}

func TestARollbackIsShownAskedForAndFollowed(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.reprise("rollback").says(p, 2, "sample-app has no healthy revision other than #1")
	p.Apply("3-fixed-limit")
	p.Becomes("sample-app", "1 Healthy, 2 Healthy")

	const shows = "sample-app #2 → #1 (Healthy podinfo:6.7.0)"
	p.reprise("rollback", "--dry-run").says(p, 0, shows, "~ containers.frontend.image")
	p.reprise("rollback").says(p, 2, shows, "cannot ask you", "--yes")
	p.reprise("rollback", "--to", "2", "--yes").says(p, 1, "#2 is already live")
	p.reprise("rollback", "--to", "7", "--yes").says(p, 2, "has no revision #7; there are 1, 2")
	p.onTerminal(80, "n\n", "rollback").says(p, 0, "Roll back sample-app to #1? [y/N]")
	p.Becomes("sample-app", "1 Healthy, 2 Healthy")

	p.onTerminal(80, "y\n", "rollback").says(p, 0, "#1 runs as #3, which is Healthy, 1 of 1 pods ready")
	p.Becomes("sample-app", "1 Healthy, 2 Healthy, 3 Healthy")
	p.reprise("rollback", "sample-app", "--yes").says(p, 0, "sample-app #3 → #2", "#2 runs as #4, which is Healthy")
	p.reprise("why", "sample-app", "2").says(p, 0, "it was rolled back to #1, requested by reprise.dev/rollback-to=1@2")
}

func TestAPausedWorkloadIsOnlyReported(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.reprise("pause").says(p, 0, "Reprise only reports failures")
	p.reprise("pause").says(p, 0, "Reprise only reports failures")
	crashing := product.Tutorial(t, "6-crashloop")
	p.apply(crashing)
	p.reprise("wait", "-f", crashing).says(p, 1, "sample-app #2 failed", "Rollback on hold:", "reprise.dev/rollback is manual")
	p.reprise("status", "sample-app").says(p, 0, "Rollback:      manual", "On hold:", "Last healthy:  #1")
	p.reprise("why").says(p, 0, "Roll back to #1, or deploy a fix", "kubectl reprise rollback sample-app")
	p.reprise("logs").says(p, 0, "sample-app #2", "/frontend] boom")
	p.reprise("rollback", "--yes").says(p, 0, "#1 runs as #3, which is Healthy")
	p.reprise("resume").says(p, 0, "Reprise rolls back failures")
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
}

func TestWhatFailedIsAdmittedOnceMoreOnRequest(t *testing.T) {
	t.Parallel()
	p := rolledBack(t)
	crashing := product.Tutorial(t, "6-crashloop")
	out, err := p.command("kubectl", "-n", p.Namespace, "apply", "-f", crashing).CombinedOutput()
	if err == nil {
		t.Fatalf("what failed is admitted: %s", out)
	}
	p.reprise("retry", "sample-app", "3").says(p, 2, "#3 is Healthy, and only failed revisions are quarantined")
	p.reprise("retry").says(p, 0, "the template that failed as #2 is admitted again; apply it")
	p.reprise("retry", "sample-app", "2").says(p, 0, "the template that failed as #2 is admitted again")
	p.apply(crashing)
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy, 4 RolledBack, 5 Healthy")
}

func TestLogsArePrintedWhilePodsLiveAndAfter(t *testing.T) {
	t.Parallel()
	p := rolledBack(t)
	p.reprise("logs", "--revision", "3").says(p, 0, "sample-app #3, Healthy podinfo:6.7.0", "/frontend] starting frontend")
	p.reprise("logs", "--revision", "3", "-c", "nothing").says(p, 2, `there is no container "nothing"`)
	// The old ReplicaSet's pods end within a moment.
	product.Eventually(t, func() (bool, string) {
		said := p.reprise("logs")
		return said.code == 0 && said.errors != "" && len(said.out) > 0 && saved(said), said.errors + said.out
	})
	p.reprise("logs", "--tail", "1").says(p, 0, "/frontend] boom")
	p.reprise("logs", "--revision", "2", "--previous").says(p, 0, "/frontend] boom")
}
