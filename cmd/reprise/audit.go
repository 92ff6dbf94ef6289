package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/policy/audit"
	"reprise.dev/reprise/rollback/guard"
)

// auditor evaluates stored Deployments with the policies of admission.
type auditor struct {
	policies   *policySet
	namespaces guard.Namespaces
}

// Evaluate implements audit.Evaluator.
func (a auditor) Evaluate(ctx context.Context, d *appsv1.Deployment) policy.Verdict {
	typed := d.DeepCopy()
	typed.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment")) // Cached objects have no kind, and policies read it.
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return policy.Verdict{Errors: []policy.RuleError{{Reason: fmt.Sprintf("converting the Deployment: %v", err)}}}
	}
	namespace := a.namespaces.For(ctx, d.Namespace)
	return a.policies.Evaluate(ctx, policy.Input{
		Phase:           policy.Final,
		Request:         policy.Request(d.Namespace, d.Name, object, nil),
		Effective:       effective.Compute(&d.Spec.Template, namespace),
		NamespaceLabels: namespace.Labels,
		Now:             time.Now(),
	})
}

// Audit implements recorder.Auditor.
func (a auditor) Audit(ctx context.Context, d *appsv1.Deployment) ([]string, error) {
	return audit.Lines(a.Evaluate(ctx, d))
}

// setupAudit adds the controller that evaluates running workloads and counts their violations.
func (p *process) setupAudit(context.Context) error {
	tally := audit.NewTally(p.policies.rules)
	if err := metrics.Registry.Register(tally); err != nil {
		return fmt.Errorf("registering the audit's metrics: %w", err)
	}
	protected := sets.New(p.config.ProtectedNamespaces...).Insert(p.options.namespace)
	reconciler := &audit.Reconciler{
		Client:    p.manager.GetClient(),
		Evaluator: auditor{policies: p.policies, namespaces: p.namespaces},
		Ready:     func() error { return p.namespaces.Ready(nil) },
		Wanted:    func(namespace string) bool { return !protected.Has(namespace) },
		Changed:   p.policies.changed,
		Tally:     tally,
		Clock:     clock.RealClock{},
	}
	if err := reconciler.SetupWithManager(p.manager); err != nil {
		return fmt.Errorf("adding the audit: %w", err)
	}
	return nil
}
