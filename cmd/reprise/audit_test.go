package main

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/policy"
)

// namespaceData is the namespace data of every namespace.
type namespaceData effective.Namespace

func (n namespaceData) For(context.Context, string) effective.Namespace {
	return effective.Namespace(n)
}

func TestAuditor(t *testing.T) {
	reads := policyMap("reads", "")
	reads.Data["reads.rego"] = `package reads
deny contains sprintf("%s %s/%s", [input.request.object.kind, input.request.namespace, input.request.object.metadata.name])`
	s, _ := newPolicySet(t, reads)
	if err := s.setOverrides(t.Context(), policy.Overrides{}); err != nil {
		t.Fatal(err)
	}
	d := &appsv1.Deployment{ // Without a kind, as in a cache.
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "app"},
		Spec:       appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "app:1"}}}}},
	}
	a := auditor{policies: s, namespaces: namespaceData{Name: "shop"}}
	verdict := a.Evaluate(t.Context(), d)
	var got []string
	for _, v := range verdict.Violations {
		got = append(got, v.Message)
	}
	if diff := cmp.Diff([]string{"Deployment shop/app"}, got); diff != "" || verdict.Decision != policy.Deny {
		t.Errorf("the decision is %v, messages (-want +got)\n%s", verdict.Decision, diff)
	}
	if d.Kind != "" {
		t.Error("the cached object was changed")
	}
	lines, err := a.Audit(t.Context(), d)
	if err != nil || len(lines) != 1 || !strings.Contains(lines[0], "Deployment shop/app") {
		t.Errorf("the audit is %q (%v)", lines, err)
	}
}
