package policy

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/effective"
)

// timeoutCheckLimits give a rule far more time than admission does.
var timeoutCheckLimits = Limits{Together: time.Second, Alone: 300 * time.Millisecond}

// CheckTimeouts evaluates a small Deployment. It returns an error for each source with a rule that
// times out even so. Once active, it would delay every apply. The built-in policies, violations and
// other errors do not count.
func (e *Engine) CheckTimeouts(ctx context.Context, modules []Module) (map[string]error, error) {
	own := map[string]Module{}
	for _, m := range modules {
		if m.Builtin {
			continue
		}
		if _, policy, err := load(m); err == nil && policy != nil {
			own[policy.rule.Name] = m
		}
	}
	in, err := timeoutCheckInput()
	if err != nil {
		return nil, err
	}
	unhurried := *e
	unhurried.limits = timeoutCheckLimits
	timeouts := map[string]error{}
	for _, failure := range unhurried.Evaluate(ctx, in).Errors {
		if m, isOwn := own[failure.Rule]; isOwn && failure.Kind == TimedOut {
			timeouts[m.source()] = fmt.Errorf("%s: rule %s did not finish within %s for one small Deployment: it would delay every apply",
				m.File, failure.Rule, timeoutCheckLimits.Alone)
		}
	}
	return timeouts, nil
}

// timeoutCheckInput returns the creation of a small Deployment in an empty namespace.
func timeoutCheckInput() (Input, error) {
	labels := map[string]string{"app.kubernetes.io/instance": "sample-1a2b3c"}
	memory := corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(64<<20, resource.BinarySI)}
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: "sample", Namespace: "default", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "main", Image: "registry.example.com/app:1",
					Env:       []corev1.EnvVar{{Name: "A", Value: "1"}},
					Ports:     []corev1.ContainerPort{{ContainerPort: 8080}},
					Resources: corev1.ResourceRequirements{Requests: memory, Limits: memory},
				}}},
			},
		},
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		return Input{}, fmt.Errorf("making a Deployment to evaluate policies with: %w", err)
	}
	return Input{
		Phase:     Final,
		Request:   Request(d.Namespace, d.Name, object, nil),
		Effective: effective.Compute(&d.Spec.Template, effective.Namespace{Name: d.Namespace}),
	}, nil
}
