// Package check says of manifests what admission would say of them: manifests and what is known of
// their namespaces go in, a verdict for each workload comes out. It is pure.
//
// It differs from admission in what only a cluster knows. Without one, classes and ServiceAccounts
// that a template names are taken to exist, nothing of a quota is used, ConfigMaps are not looked
// at, and nothing runs yet, so that no selector can have changed. Whatever other admission plugins
// would change of a manifest, it has not.
package check

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/internal/quantity"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// Namespaces tells what a template meets in a namespace. *NamespaceData is one, and a cluster is
// another.
type Namespaces interface {
	Of(ctx context.Context, namespace string, template *corev1.PodTemplateSpec) effective.Namespace
	// Live is the Deployment that runs, as decoded from JSON; nil where none does.
	Live(ctx context.Context, namespace, name string) (map[string]any, error)
}

// Options are the manifests to check, and what to check them with.
type Options struct {
	Manifests []Manifest
	Engine    *policy.Engine
	// Warnings are about the engine's policies.
	Warnings   []policy.Warning
	Namespaces Namespaces
	// Namespace is that of manifests that state none.
	Namespace string
	// Now is when: exemptions end.
	Now time.Time
}

// Workload is one workload and what is said of it.
type Workload struct {
	Place           Position
	Namespace, Name string
	Verdict         policy.Verdict
}

// Report is the answer.
type Report struct {
	// Workloads are in the order of the manifests.
	Workloads []Workload
	// OtherObjects counts the objects that are no workloads.
	OtherObjects int
	// Warnings are about policies of which a part has no effect.
	Warnings []policy.Warning
}

// Run evaluates every workload among the manifests. An error names the manifest that is no
// Deployment although it says so, or says that it is not known what runs, or that there is no
// workload at all: zero evaluated workloads are no consent.
func Run(ctx context.Context, q Options) (Report, error) {
	report := Report{Warnings: q.Warnings}
	for _, m := range q.Manifests {
		version, kind := m.kind()
		if version != appsv1.SchemeGroupVersion.String() || kind != "Deployment" {
			report.OtherObjects++
			continue
		}
		d := &appsv1.Deployment{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(quantity.Normalize(m.Object), d); err != nil {
			return Report{}, fmt.Errorf("%s is no valid Deployment: %s", m.Place, printable(err.Error()))
		}
		if !workload.IsManaged(d) {
			report.OtherObjects++
			continue
		}
		evaluated, err := q.evaluate(ctx, m, d)
		if err != nil {
			return Report{}, err
		}
		report.Workloads = append(report.Workloads, evaluated)
	}
	if len(report.Workloads) == 0 {
		return Report{}, fmt.Errorf("no workloads found: none of the %d objects is a Deployment with the annotation %s or the label %s=%s",
			report.OtherObjects, workload.NameAnnotation, v1alpha1.GuardLabel, workload.GuardEnabled)
	}
	return report, nil
}

func (q Options) evaluate(ctx context.Context, m Manifest, d *appsv1.Deployment) (Workload, error) {
	w := Workload{Place: m.Place, Namespace: d.Namespace, Name: d.Name}
	if w.Namespace == "" {
		w.Namespace = q.Namespace
	}
	if w.Name == "" {
		w.Name = d.GenerateName
	}
	live, err := q.Namespaces.Live(ctx, w.Namespace, d.Name)
	if err != nil {
		return Workload{}, err
	}
	w.Verdict = q.Engine.Evaluate(ctx, policy.Input{
		Phase:     policy.Final,
		Request:   policy.Request(w.Namespace, d.Name, m.Object, live),
		Effective: effective.Compute(&d.Spec.Template, q.Namespaces.Of(ctx, w.Namespace, &d.Spec.Template)),
		AsWritten: true,
		Now:       q.Now,
	})
	return w, nil
}

// HasWarnings reports whether a policy warns of a workload.
func (r Report) HasWarnings() bool {
	return slices.ContainsFunc(r.Workloads, func(w Workload) bool { return len(w.Verdict.Warnings) > 0 })
}

// Decision returns what all verdicts come to: a denial counts most, then an evaluation error, then
// a warning.
func (r Report) Decision() policy.Decision {
	worst := policy.Allow
	for _, w := range r.Workloads {
		switch d := w.Verdict.Decision; {
		case d == policy.Deny, worst == policy.Deny:
			worst = policy.Deny
		case d == policy.Unknown, worst == policy.Unknown:
			worst = policy.Unknown
		case d == policy.Warn:
			worst = policy.Warn
		}
	}
	return worst
}
