package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BenchmarkEvaluate converts and judges a decoded review of a Deployment with
// 3 containers of 10 environment variables each. The eager variant converts the
// whole input, as an engine without the lazy document would.
func BenchmarkEvaluate(b *testing.B) {
	for _, rules := range []int{1, 10, 50} {
		engine := engineOf(b, ruleSet(b, rules)...)
		in := finalInput(b, sizable())
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if verdict := engine.Evaluate(b.Context(), in); verdict.Decision != Allow {
					b.Fatalf("verdict %+v", verdict)
				}
			}
		})
		b.Run(fmt.Sprintf("eager/rules=%d", rules), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				facts, err := effectiveFacts(in.Effective)
				if err != nil {
					b.Fatal(err)
				}
				document := ast.MustInterfaceToValue(map[string]any{"request": in.Request, "effective": facts})
				for _, g := range engine.final.groups {
					if _, err := g.together.run(b.Context(), document, DefaultLimits().Together); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkDocument returns the conversion alone.
func BenchmarkDocument(b *testing.B) {
	in := finalInput(b, sizable())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := in.document(nil); err != nil {
			b.Fatal(err)
		}
	}
}

// ruleSet returns the rule of requests within limits, copied under as many names.
func ruleSet(b *testing.B, count int) []Module {
	text, err := pack.ReadFile("rego/requests_within_limits.rego")
	if err != nil {
		b.Fatal(err)
	}
	var modules []Module
	for number := range count {
		name := fmt.Sprintf("rule_%02d", number)
		modules = append(modules, Module{
			File:    name + ".rego",
			Rego:    strings.ReplaceAll(string(text), "package reprise.requests_within_limits", "package reprise."+name),
			Builtin: true,
		})
	}
	return modules
}

func sizable() *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/instance": "sizable-0123456789"}
	deployment := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: "sizable", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}},
		},
	}
	for _, name := range []string{"backend", "frontend", "proxy"} {
		container := corev1.Container{
			Name: name, Image: "registry.example.com/" + name + ":1.0.0",
			Resources: corev1.ResourceRequirements{
				Requests: quantities(corev1.ResourceMemory, "100Mi"),
				Limits:   quantities(corev1.ResourceMemory, "200Mi"),
			},
		}
		for variable := range 10 {
			container.Env = append(container.Env, corev1.EnvVar{
				Name: fmt.Sprintf("VARIABLE_%02d", variable), Value: "a value of ordinary length",
			})
		}
		deployment.Spec.Template.Spec.Containers = append(deployment.Spec.Template.Spec.Containers, container)
	}
	return deployment
}
