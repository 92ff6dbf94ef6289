package admission

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"reprise.dev/reprise/test/harness/product"
)

// The namespaces of the overrides of the install: one is stricter, and one is not matched.
const (
	strict = "strict"
	bare   = "bare"
)

// values are those that the chart is installed with.
var values = map[string]any{
	"protectedNamespaces": []any{"kube-system", bare},
	"policies": map[string]any{
		"overrides": []any{
			map[string]any{"policy": "limits-missing", "enforcement": "deny", "namespaces": map[string]any{"include": []any{"strict*"}}},
		},
		"exemptions": []any{
			map[string]any{"policy": "limits-missing", "namespace": strict, "workload": "legacy", "reason": "moves in spring", "expires": "2099-03-31"},
			map[string]any{"policy": "limits-missing", "namespace": strict, "workload": "expired", "reason": "moved", "expires": "2020-03-31"},
		},
	},
}

// slipped is a ConfigMap of policies that is stored before anything checks it.
const slipped = "slipped-in"

// slipIn stores it.
func slipIn(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(shared.RESTConfig())
	if err != nil {
		return err
	}
	invalid := policies(slipped, map[string]string{"bad.rego": "package slipped\n\ndeny contains {"})
	for _, c := range []*corev1.ConfigMap{invalid, policies(bomb, map[string]string{"bad.rego": nested})} {
		if _, err := client.CoreV1().ConfigMaps(product.Namespace).Create(ctx, c, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// bomb is a ConfigMap like slipped, of policies for which the compiler needs exponential time and
// memory.
const bomb = "bomb"

var nested = "package bomb\ndeny contains x if { x := " + strings.Repeat("[y | y := ", 24) + "1" + strings.Repeat("]", 24) + " }"

// policies is a ConfigMap of policies.
func policies(name string, files map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: product.Namespace, Labels: map[string]string{"reprise.dev/policy": "true"}},
		Data:       files,
	}
}

// dryRun asks what would become of a Deployment; empty where it would be accepted.
func (p place) dryRun(namespace string, d *appsv1.Deployment) string {
	p.Helper()
	p.Warnings.Take()
	_, err := p.client.AppsV1().Deployments(namespace).Create(p.Context(), d, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil {
		return ""
	}
	return err.Error()
}

// answers waits until a dry run answers with what is wanted.
func (p place) answers(namespace string, d *appsv1.Deployment, want string) {
	p.Helper()
	product.Eventually(p, func() (bool, string) {
		got := p.dryRun(namespace, d)
		return (want == "") == (got == "") && strings.Contains(got, want), fmt.Sprintf("the answer is %q, want %q", got, want)
	})
}

// acceptable is a Deployment with Score's marker that no rule objects to.
func acceptable(name string, change ...func(*appsv1.Deployment)) *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/instance": name + "-1a2b3c"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"k8s.score.dev/workload-name": name}},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example.com/app:1"}}},
			},
		},
	}
	for _, c := range change {
		c(d)
	}
	return d
}
