package rollback

import (
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// AfterRollback returns the failed revision and the restored one before the newest, if the newest
// is a deploy onto a rollback.
func AfterRollback(h history.History) (failed, target *v1alpha1.WorkloadRevision) {
	newest := h.Newest()
	before := h.Number(newest.Spec.Number - 1)
	if before == nil || before.Spec.RollbackOf == 0 || !before.SameWorkload(newest) || newest.Spec.RollbackOf != 0 {
		return nil, nil
	}
	failed, target = h.Number(before.Spec.RollbackOf), h.Number(before.Spec.RestoredFrom)
	if failed == nil || target == nil {
		return nil, nil
	}
	return failed, target
}

// lastAppliedPath is kubectl's memory of a client-side apply.
var lastAppliedPath = fieldpath.MakePathOrDie("metadata", "annotations", workload.LastApplied)

// KeepsStateElsewhere reports whether a deployer keeps what it applied last outside of the object,
// as Helm 3 does in a Secret: it compares the new manifest with the failed one, and never learns of
// the rollback. A client-side apply, of kubectl or of Argo CD, keeps it in an annotation and the
// API server keeps that of a server-side apply in the managed fields, and a rollback puts both
// back; `kubectl set` and `kubectl edit` keep nothing.
func KeepsStateElsewhere(by string, owners []metav1.ManagedFieldsEntry) bool {
	return !strings.HasPrefix(by, "kubectl") && slices.ContainsFunc(owners, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == by && e.Operation == metav1.ManagedFieldsOperationUpdate && e.Subresource == "" && !fieldsOf(&e).Has(lastAppliedPath)
	})
}

// FieldsLeftBehind returns the fields that a failed revision had removed, that its rollback put
// back, and that the deploy after it still has, unchanged. Whether its manifest means to have them,
// the object does not tell.
func FieldsLeftBehind(failed, target, next diff.Revision) (diff.Changes, error) {
	removed, err := diff.Revisions(target, failed)
	if err != nil {
		return nil, err
	}
	back, err := diff.Revisions(failed, next)
	if err != nil {
		return nil, err
	}
	var left diff.Changes
	for _, change := range removed {
		if change.Kind == diff.Removed && slices.ContainsFunc(back, func(b diff.Change) bool {
			return b.Kind == diff.Added && b.Field == change.Field && reflect.DeepEqual(b.New, change.Old)
		}) {
			left = append(left, change)
		}
	}
	return left, nil
}
