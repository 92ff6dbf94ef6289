package admission

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/product"
)

const owned = `package %s

deny contains "there is no owner" if {
	input.kind == "Deployment"
	input.request.namespace == "audited"
	not input.metadata.labels.owner
}
`

// TestWhatRunsIsJudgedWhenPoliciesChange: as a metric and in the live revision, written once for
// each change.
func TestWhatRunsIsJudgedWhenPoliciesChange(t *testing.T) {
	p := newNamedPlace(t, "audited")
	swift := func(d *appsv1.Deployment) { d.Annotations["reprise.dev/bake-time"] = "0s" }
	for _, name := range []string{"one", "two"} {
		if _, err := p.client.AppsV1().Deployments("audited").Create(t.Context(), acceptable(name, swift), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	healthy := p.revision("one", func(r *v1alpha1.WorkloadRevision) (bool, string) {
		return r.Status.Phase == v1alpha1.PhaseHealthy, "its phase is " + string(r.Status.Phase)
	})
	if !meta.IsStatusConditionTrue(healthy.Status.Conditions, v1alpha1.ConditionCompliant) {
		t.Fatalf("conditions %+v, want compliant", healthy.Status.Conditions)
	}
	p.metric(`reprise_audit_violations{enforcement="deny",policy="pod-admissible"}`, "0")
	events := len(product.Events(p, p.API, product.EventFilter{Namespace: "audited", Kind: "Deployment", Name: "one"}))

	p.bring("owners", fmt.Sprintf(owned, "owned"))
	p.metric(`reprise_audit_violations{enforcement="deny",policy="owned"}`, "2")
	violating := p.revision("one", func(r *v1alpha1.WorkloadRevision) (bool, string) {
		c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionCompliant)
		return c != nil && c.Status == metav1.ConditionFalse && c.Message == "1 violations, the first: there is no owner", fmt.Sprintf("the condition is %+v", c)
	})

	// Another policy has all judged again. What says the same as before is not written.
	p.bring("trial", "# METADATA\n# custom:\n#   enforcement: dryrun\n"+fmt.Sprintf(owned, "trial"))
	p.metric(`reprise_audit_violations{enforcement="dryrun",policy="trial"}`, "2")
	p.metric("reprise_policy_invalid_sources", "2") // Those that were stored before the start.
	if again := p.revision("one", nil); again.ResourceVersion != violating.ResourceVersion {
		t.Error("the Revision was written although nothing changed")
	}

	p.take("owners", "trial")
	p.revision("one", func(r *v1alpha1.WorkloadRevision) (bool, string) {
		return meta.IsStatusConditionTrue(r.Status.Conditions, v1alpha1.ConditionCompliant), fmt.Sprintf("the conditions are %+v", r.Status.Conditions)
	})
	if said := p.Instance.MetricsOf(p, "reprise_"); strings.Contains(said, `policy="owned"`) || strings.Contains(said, `policy="trial"`) {
		t.Errorf("policies that are gone are counted:\n%s", said)
	}
	if after := len(product.Events(p, p.API, product.EventFilter{Namespace: "audited", Kind: "Deployment", Name: "one"})); after != events {
		t.Errorf("the audit made %d Events", after-events)
	}
	if h, err := store.List(t.Context(), p.API, "audited", "one"); err != nil || len(h) != 1 {
		t.Errorf("%d Revisions, want 1: %v", len(h), err)
	}
}

// bring applies a ConfigMap with one policy.
func (p place) bring(name, rego string) {
	p.Helper()
	maps := p.client.CoreV1().ConfigMaps(product.Namespace)
	if _, err := maps.Create(p.Context(), policies(name, map[string]string{"p.rego": rego}), metav1.CreateOptions{}); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = maps.Delete(context.WithoutCancel(p.Context()), name, metav1.DeleteOptions{}) })
}

func (p place) take(names ...string) {
	p.Helper()
	for _, name := range names {
		if err := p.client.CoreV1().ConfigMaps(product.Namespace).Delete(p.Context(), name, metav1.DeleteOptions{}); err != nil {
			p.Fatal(err)
		}
	}
}

// revision waits until a workload's newest revision is as wanted.
func (p place) revision(workload string, wanted func(*v1alpha1.WorkloadRevision) (bool, string)) *v1alpha1.WorkloadRevision {
	p.Helper()
	var newest *v1alpha1.WorkloadRevision
	product.Eventually(p, func() (bool, string) {
		newest = product.Revisions(p, p.API, "audited", workload).Newest()
		if newest == nil || wanted == nil {
			return newest != nil, "there is no Revision"
		}
		return wanted(newest)
	})
	return newest
}

// metric waits until a metric has a value.
func (p place) metric(name, value string) {
	p.Helper()
	product.Eventually(p, func() (bool, string) {
		said := p.Instance.MetricsOf(p, "reprise_")
		return strings.Contains(said+"\n", name+" "+value+"\n"), "want " + name + " " + value + " in:\n" + said
	})
}
