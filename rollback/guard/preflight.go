package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/rollback"
)

// cannotRun returns why the target would not run today, or nothing. The API server's dry run passes
// what it refuses only at the Pod, so the effective pod is asked too.
func (r *Reconciler) cannotRun(ctx context.Context, a applier, failed, target *v1alpha1.WorkloadRevision) (v1alpha1.HoldReason, string, error) {
	contents, err := history.DecodeSnapshot(target)
	if err != nil {
		return v1alpha1.HoldCannotRun, err.Error(), nil
	}
	intent, err := contents.Intent.Typed()
	if err != nil {
		return "", "", err
	}
	lost, err := a.lostFile(ctx, target)
	if err != nil {
		return "", "", err
	}
	if lost != "" {
		return v1alpha1.HoldCannotRun, fmt.Sprintf("file %s of #%d was too large to store and has changed since; restore it yourself, then deploy",
			lost, target.Spec.Number), nil
	}
	foreign, err := a.foreignFile(ctx, failed, target)
	if err != nil {
		return "", "", err
	}
	if foreign != "" {
		return v1alpha1.HoldCannotRun, fmt.Sprintf("ConfigMap %s is not the workload's own any more: another key, another owner or another deployer wrote it. "+
			"Restore the file of #%d yourself, then deploy", foreign, target.Spec.Number), nil
	}
	result := effective.Compute(&intent.Spec.Template, r.Namespaces.For(ctx, failed.Namespace))
	for _, violation := range result.Violations {
		// A full quota may be full of the failing pods.
		if replaceable(violation, target) {
			continue
		}
		if violation.Rule != effective.RuleQuotaExceeded && violation.Rule != effective.RuleQuotaUncounted {
			return v1alpha1.HoldCannotRun, fmt.Sprintf("#%d cannot run here any more: %s; %s", target.Spec.Number, violation.Message, violation.Fix), nil
		}
	}
	if len(result.Unknown) > 0 {
		return "", "", fmt.Errorf("checking whether revision %s can run: %s", target.Name, result.Unknown[0].Reason)
	}
	rejection, err := a.rejection(ctx, failed, target, contents)
	switch {
	case errors.Is(err, errOvertaken):
		return "", "", nil // restore finds the same and gives up in good order.
	case err != nil || rejection == "":
		return "", "", err
	}
	return v1alpha1.HoldRejected, rejection, nil
}

// replaceable reports whether the object that a violation misses is a file that the rollback puts
// back.
func replaceable(violation effective.Violation, target *v1alpha1.WorkloadRevision) bool {
	if violation.Rule != effective.RuleConfigMap {
		return false
	}
	return slices.ContainsFunc(rollback.RestorableFiles(target.Spec.Files), func(f v1alpha1.RevisionFile) bool {
		return f.ConfigMapName == violation.Cause.Name
	})
}
