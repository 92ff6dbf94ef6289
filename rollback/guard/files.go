package guard

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback"
	"reprise.dev/reprise/workload"
)

// restoreFiles puts Score's files back as the target had them, before the Deployment: its new pods
// must find them. Each is written only where its content differs, in the same two writes as the
// Deployment. It returns errOvertaken, before it writes any, where readFiles does.
func (a applier) restoreFiles(ctx context.Context, failed, target *v1alpha1.WorkloadRevision, saved map[string]history.SavedFile) error {
	stored, err := a.readFiles(ctx, failed, target)
	if err != nil {
		return err
	}
	for i, f := range rollback.RestorableFiles(target.Spec.Files) {
		if err := a.restoreFile(ctx, target.Namespace, stored[i], f, saved[f.ConfigMapName]); err != nil {
			return err
		}
	}
	return nil
}

// readFiles reads what there is of the target's files, nil for one that there is not. It returns
// errOvertaken where one holds what neither revision had: a newer deploy has begun.
func (a applier) readFiles(ctx context.Context, failed, target *v1alpha1.WorkloadRevision) ([]*corev1.ConfigMap, error) {
	files := rollback.RestorableFiles(target.Spec.Files)
	stored := make([]*corev1.ConfigMap, len(files))
	for i, f := range files {
		live, err := store.ConfigMap(ctx, a.live, client.ObjectKey{Namespace: target.Namespace, Name: f.ConfigMapName})
		if err != nil {
			return nil, err
		}
		if live != nil && !history.SameContent(f, live) && !hadFile(failed, live) {
			return nil, fmt.Errorf("file %s was written after #%d was deployed: %w", f.ConfigMapName, failed.Spec.Number, errOvertaken)
		}
		stored[i] = live
	}
	return stored, nil
}

// hadFile reports whether a ConfigMap is a file as a revision had it.
func hadFile(r *v1alpha1.WorkloadRevision, live *corev1.ConfigMap) bool {
	return slices.ContainsFunc(r.Spec.Files, func(f v1alpha1.RevisionFile) bool {
		return f.ConfigMapName == live.Name && history.SameContent(f, live)
	})
}

// restoreFile writes one file; stored is what there is of it, nil where there is nothing.
func (a applier) restoreFile(ctx context.Context, namespace string, stored *corev1.ConfigMap, f v1alpha1.RevisionFile, saved history.SavedFile) error {
	written, err := a.writeFile(ctx, namespace, stored, f, saved)
	if err != nil {
		return fmt.Errorf("restoring file %s: %w", f.ConfigMapName, err)
	}
	return a.writeOwnership(ctx, written, saved.ManagedFields)
}

// writeFile writes the content of one file where it is another, and returns what is stored then.
// The resourceVersion that was read makes a deploy that arrives meanwhile win.
func (a applier) writeFile(ctx context.Context, namespace string, stored *corev1.ConfigMap, f v1alpha1.RevisionFile, saved history.SavedFile) (*corev1.ConfigMap, error) {
	var err error
	switch {
	case stored == nil:
		stored = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: f.ConfigMapName}}
		setContent(stored, saved)
		err = a.client.Create(ctx, stored, client.FieldOwner(history.FieldManager))
	case !history.SameContent(f, stored):
		setContent(stored, saved)
		err = a.client.Update(ctx, stored, client.FieldOwner(history.FieldManager))
	}
	return stored, err
}

// setContent writes a file's content, and nothing else: Score's ConfigMaps have one key.
func setContent(c *corev1.ConfigMap, saved history.SavedFile) {
	c.Data, c.BinaryData = nil, nil
	if saved.Text {
		c.Data = map[string]string{workload.FileKey: string(saved.Content)}
		return
	}
	c.BinaryData = map[string][]byte{workload.FileKey: saved.Content}
}

// restoredFiles returns the files that hold what the target had, and not what the failed revision
// had.
func (a applier) restoredFiles(ctx context.Context, failed, target *v1alpha1.WorkloadRevision) ([]string, error) {
	var changed []string
	for _, f := range rollback.RestorableFiles(target.Spec.Files) {
		live, err := store.ConfigMap(ctx, a.live, client.ObjectKey{Namespace: target.Namespace, Name: f.ConfigMapName})
		if err != nil {
			return nil, err
		}
		if live != nil && history.SameContent(f, live) && !hadFile(failed, live) {
			changed = append(changed, f.ConfigMapName)
		}
	}
	return changed, nil
}

// lostFile names a file of the target whose content was not kept and is not what it was, or
// nothing.
func (a applier) lostFile(ctx context.Context, target *v1alpha1.WorkloadRevision) (string, error) {
	for _, f := range target.Spec.Files {
		if f.State != v1alpha1.FileTooLarge {
			continue
		}
		stored, err := store.ConfigMap(ctx, a.live, client.ObjectKey{Namespace: target.Namespace, Name: f.ConfigMapName})
		if err != nil {
			return "", err
		}
		if stored == nil || !history.SameContent(f, stored) {
			return f.ConfigMapName, nil
		}
	}
	return "", nil
}

// foreignFile names a file of the target that would be written and was not the workload's own when
// the failed revision was deployed, or nothing.
func (a applier) foreignFile(ctx context.Context, failed, target *v1alpha1.WorkloadRevision) (string, error) {
	foreign := sets.New[string]()
	for _, f := range failed.Spec.Files {
		if f.State == v1alpha1.FileForeign {
			foreign.Insert(f.ConfigMapName)
		}
	}
	for _, f := range rollback.RestorableFiles(target.Spec.Files) {
		if !foreign.Has(f.ConfigMapName) {
			continue
		}
		stored, err := store.ConfigMap(ctx, a.live, client.ObjectKey{Namespace: target.Namespace, Name: f.ConfigMapName})
		if err != nil {
			return "", err
		}
		if stored == nil || !history.SameContent(f, stored) {
			return f.ConfigMapName, nil
		}
	}
	return "", nil
}
