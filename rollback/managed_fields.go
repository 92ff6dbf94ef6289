package rollback

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// replicasPath and pausedPath are fields that a rollback leaves alone: the user or the autoscaler
// that operates the workload decides about them.
var (
	replicasPath = fieldpath.MakePathOrDie("spec", "replicas")
	pausedPath   = fieldpath.MakePathOrDie("spec", "paused")
)

// RestoredOwnership returns who owns which field once an object was restored: the deployers what
// they owned in the snapshot, controllers and subresources what they own now, and Reprise nothing.
// What a rollback leaves alone has the owners that it has now: an apply removes the keys that its
// manager owns and does not name any more. Only replicas get no owner that the snapshot does not
// know: removed by such an apply, they would be 1.
func RestoredOwnership(saved, live []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	var out []metav1.ManagedFieldsEntry
	for _, entry := range saved {
		if !history.OwnedByController(entry) && !history.OwnedByReprise(entry) {
			out = append(out, withLiveOwnership(entry, counterpart(live, entry)))
		}
	}
	for _, entry := range live {
		switch {
		case history.OwnedByController(entry):
			out = append(out, entry)
		case !history.OwnedByReprise(entry) && counterpart(saved, entry) == nil:
			if kept := keptFields(fieldsOf(&entry)); !kept.Empty() {
				out = append(out, withFields(entry, kept))
			}
		}
	}
	return out
}

// withLiveOwnership returns an entry of a snapshot, with what its manager owns now of the fields
// that a rollback leaves alone; live is nil where it owns nothing now.
func withLiveOwnership(saved metav1.ManagedFieldsEntry, live *metav1.ManagedFieldsEntry) metav1.ManagedFieldsEntry {
	before, now := fieldsOf(&saved), fieldsOf(live)
	restored := before.Difference(keptFields(before)).Union(keptFields(now))
	if !now.Has(replicasPath) {
		restored = restored.Difference(fieldpath.NewSet(replicasPath))
	}
	if restored.Equals(before) {
		return saved
	}
	return withFields(saved, restored)
}

// counterpart returns the entry of the same manager among others, nil where there is none.
func counterpart(entries []metav1.ManagedFieldsEntry, of metav1.ManagedFieldsEntry) *metav1.ManagedFieldsEntry {
	i := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == of.Manager && e.Operation == of.Operation && e.Subresource == of.Subresource
	})
	if i < 0 {
		return nil
	}
	return &entries[i]
}

// fieldsOf returns the fields of an entry, none where there is no entry or it cannot be read.
func fieldsOf(entry *metav1.ManagedFieldsEntry) *fieldpath.Set {
	set := fieldpath.NewSet()
	if entry == nil || entry.FieldsV1 == nil || set.FromJSON(entry.FieldsV1.GetRawReader()) != nil {
		return fieldpath.NewSet()
	}
	return set
}

// keptFields returns the fields in a set that a rollback leaves alone: the pause, and the labels
// and annotations that are no deployer's.
func keptFields(fields *fieldpath.Set) *fieldpath.Set {
	kept := fieldpath.NewSet()
	fields.Iterate(func(path fieldpath.Path) {
		if path.Equals(pausedPath) {
			kept.Insert(path.Copy())
		}
		if len(path) == 3 && path[0].Equals(name("metadata")) && (path[1].Equals(name("labels")) || path[1].Equals(name("annotations"))) &&
			path[2].FieldName != nil && workload.IsReservedKey(*path[2].FieldName) {
			kept.Insert(path.Copy())
		}
	})
	return kept
}

// withFields returns an entry with other fields.
func withFields(entry metav1.ManagedFieldsEntry, fields *fieldpath.Set) metav1.ManagedFieldsEntry {
	encoded, err := fields.ToJSON()
	if err != nil {
		return entry // It was read from JSON, and is written to memory.
	}
	entry.FieldsV1 = metav1.NewFieldsV1(string(encoded))
	return entry
}

func name(field string) fieldpath.PathElement { return fieldpath.PathElement{FieldName: &field} }
