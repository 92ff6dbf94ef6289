package plugin

import (
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/internal/version"
	"reprise.dev/reprise/test/harness/product"
)

func TestRightsAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.Apply("3-fixed-limit")
	p.Becomes("sample-app", "1 Healthy, 2 Healthy")
	p.Kubectl("create", "role", "deployments", "--verb=get,list", "--resource=deployments.apps")
	p.Kubectl("create", "rolebinding", "half", "--role=deployments", "--user=half")
	p.Kubectl("create", "rolebinding", "reader", "--clusterrole=view", "--user=reader")
	p.Kubectl("create", "rolebinding", "deployer", "--clusterrole=edit", "--user=deployer")
	// Rights are known to the API server within a moment.
	product.Eventually(t, func() (bool, string) {
		said := p.reprise("history", "--as=deployer")
		return said.code == 0 && p.reprise("history", "--as=reader").code == 0, said.errors
	})

	p.reprise("history", "--as=nobody").says(p, 2, "you may not read workloads in namespace "+p.Namespace, "ask for the ClusterRole view there")
	p.reprise("status", "-A", "--as=reader").says(p, 2, "you may not read workloads in all namespaces")
	p.reprise("history", "--as=half").says(p, 2, "you may not read revisions in namespace "+p.Namespace, "reprise-view")
	p.reprise("status", "--as=reader").says(p, 0, "sample-app   2          Healthy")
	p.reprise("wait", "--as=reader").says(p, 0, "#2 is Healthy")
	p.reprise("rollback", "--yes", "--as=reader").says(p, 2, "you may not patch deployment/sample-app")
	p.reprise("pause", "--as=reader").says(p, 2, "you may not patch deployment/sample-app")
	p.Becomes("sample-app", "1 Healthy, 2 Healthy")
	p.reprise("rollback", "--yes", "--as=deployer").says(p, 0, "#1 runs as #3, which is Healthy")
}

func TestItIsSaidThatRepriseDoesNotRun(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	// Whoever is logged in sees the Lease, and no other.
	p.Kubectl("get", "lease", "reprise", "-n", product.Namespace, "--as=nobody", "--as-group=system:authenticated")
	if out, err := p.command("kubectl", "get", "leases", "-n", product.Namespace, "--as=nobody", "--as-group=system:authenticated").CombinedOutput(); err == nil {
		t.Errorf("all Leases are readable:\n%s", out)
	}
	if said := p.reprise("status"); said.errors != "" {
		t.Errorf("Reprise runs, and it is said: %s", said.errors)
	}
	// An install whose leader has been gone for an hour.
	old := metav1.NewMicroTime(time.Now().Add(-time.Hour))
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "reprise", Namespace: p.Namespace}, Spec: coordinationv1.LeaseSpec{RenewTime: &old}}
	if err := p.API.Create(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	const silent = "Reprise is not running: it last renewed its Lease in namespace"
	p.reprise("status", "--reprise-namespace", p.Namespace).says(p, 0, "warning: "+silent, "sample-app   1          Healthy")
	for _, words := range [][]string{{"wait"}, {"rollback", "--yes"}, {"retry"}} {
		p.reprise(append(words, "--reprise-namespace", p.Namespace)...).says(p, 2, "error: "+silent)
	}
}

func TestVersionsAreShownAndHeldAgainstEachOther(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	// Whoever is logged in sees which version of Reprise runs.
	p.reprise("version", "--as=nobody", "--as-group=system:authenticated").says(p, 0,
		"Plugin:     "+pluginVersion+", reads WorkloadRevisions v1alpha1", "Reprise:    devel (namespace "+product.Namespace+")", "Cluster:    v1.", "Revisions:  v1alpha1")
	p.reprise("version", "-o", "json").says(p, 0, `"revisions": [`, `"reprise": "devel"`)
	p.reprise("version", "--reprise-namespace", p.Namespace).says(p, 0, "Reprise:    unknown")
	now := metav1.NowMicro()
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "reprise", Namespace: p.Namespace, Labels: map[string]string{version.Label: "7.8.0"}},
		Spec:       coordinationv1.LeaseSpec{RenewTime: &now},
	}
	if err := p.API.Create(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	p.reprise("version", "--reprise-namespace", p.Namespace).says(p, 1, "Reprise:    7.8.0", "the plugin is older than Reprise", "use the plugin of release 7.8.0")
}

func TestItIsSaidThatRepriseIsNotInstalled(t *testing.T) {
	t.Parallel()
	p, _ := withoutReprise(t)
	p.reprise("status").says(p, 2, "Reprise is not installed in it")
	p.reprise("why").says(p, 2, "Reprise is not installed in it")
	p.reprise("version").says(p, 1, "Revisions:  none", "Reprise is not installed in it")
}

func TestNamesAreCompletedLive(t *testing.T) {
	t.Parallel()
	p := rescued(t)
	for _, tt := range []struct{ typed, offered string }{
		{"status ", "sample-app\n"},
		{"status deploy/", "deploy/sample-app\n"},
		{"status -o ", "wide\njson\nyaml\nname\n"},
		{"check -o ", "human\njson\njunit\ngithub\n"},
		{"why sample-app ", "1\tHealthy podinfo:6.7.0\n2\tRolledBack podinfo:6.7.1\n3\tHealthy podinfo:6.7.0\n"},
		{"rollback sample-app --to ", "2\tRolledBack podinfo:6.7.1\n"},
		{"logs sample-app -c ", "frontend\n"},
		{"status --context ", "\n:4\n"}, // It has names of its own, and no files.
		{"status -n ", p.Namespace + "\n"},
	} {
		p.reprise(append([]string{"__complete"}, strings.Split(tt.typed, " ")...)...).says(p, 0, tt.offered)
	}
	// A cluster that does not answer offers nothing, and says nothing.
	p.reprise("__complete", "--server=https://127.0.0.1:1", "status", "").says(p, 0, ":36\n")
	out, err := p.command("kubectl", "__complete", "reprise", "-n", p.Namespace, "status", "").Output()
	if err != nil || !strings.HasPrefix(string(out), "sample-app\n") {
		t.Errorf("kubectl completes %q, %v", out, err)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		p.reprise("completion", shell).says(p, 0, "reprise")
	}
}
