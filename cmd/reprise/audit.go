package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/rollback"
)

// auditor judges stored Deployments by the policies of admission.
type auditor struct {
	policies   *policySet
	namespaces rollback.Namespaces
}

// Audit implements history.Auditor.
func (a auditor) Audit(ctx context.Context, d *appsv1.Deployment) ([]string, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		return nil, fmt.Errorf("converting %s for its policies: %w", d.Name, err)
	}
	verdict := a.policies.Evaluate(ctx, policy.Input{
		Phase:     policy.Final,
		Request:   map[string]any{"operation": "CREATE", "namespace": d.Namespace, "object": object},
		Effective: effective.Of(&d.Spec.Template, a.namespaces.For(ctx, d.Namespace)),
		Now:       time.Now(),
	})
	var lines []string
	for _, violation := range verdict.Violations {
		lines = append(lines, violation.Line())
	}
	if len(lines) > 0 || verdict.Decision != policy.Unknown {
		return lines, nil
	}
	var failures []error
	for _, failure := range verdict.Errors {
		failures = append(failures, fmt.Errorf("rule %s: %s", failure.Rule, failure.Reason))
	}
	return nil, errors.Join(failures...)
}
