package docs

import (
	"os"
	"regexp"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/policy"
)

// migrated is a Deployment that violates every rule on the page, or none.
func migrated(violates bool) *appsv1.Deployment {
	no := false
	d := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cart"}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "registry.example.com/cart:1"}}
	d.Spec.Template.Spec.HostNetwork = violates
	if !violates {
		d.Labels = map[string]string{"team": "shop"}
		d.Spec.Template.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: &no}
	}
	return d
}

// TestEngine_Evaluate_kyvernoPage compiles each rule on the page by itself. It denies what it is
// about, nothing else, and no part of it is without an effect.
func TestEngine_Evaluate_kyvernoPage(t *testing.T) {
	page, err := os.ReadFile("migrate-from-kyverno.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile("(?ms)^```rego\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(rules) != 3 {
		t.Fatalf("the page has %d rules, want 3", len(rules))
	}
	for _, rule := range rules {
		source, err := policy.ParseSource("page", map[string]string{"page.rego": rule[1]})
		if err != nil {
			t.Errorf("%s: %v", rule[1], err)
			continue
		}
		engine, err := policy.New(t.Context(), source.Modules, policy.DefaultLimits(), policy.Overrides{})
		if err != nil {
			t.Errorf("%s: %v", rule[1], err)
			continue
		}
		if warnings := engine.Warnings(); len(warnings) > 0 {
			t.Errorf("%s: %v", rule[1], warnings)
		}
		for violates, want := range map[bool]policy.Decision{true: policy.Deny, false: policy.Allow} {
			d := migrated(violates)
			object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
			if err != nil {
				t.Fatal(err)
			}
			verdict := engine.Evaluate(t.Context(), policy.Input{
				Phase: policy.Final, Request: policy.Request(d.Namespace, d.Name, object, nil),
				Effective: effective.Compute(&d.Spec.Template, effective.Namespace{Name: d.Namespace}),
			})
			if verdict.Decision != want {
				t.Errorf("%s: %+v, want %s", rule[1], verdict, want)
			}
		}
	}
}
