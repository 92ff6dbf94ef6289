package rollback

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// restoreFiles puts Score's files back as the target had them, before the Deployment: its new pods must find them.
// Each is written only where its content differs, in the same two writes as the Deployment.
func (a applier) restoreFiles(ctx context.Context, target *v1alpha1.Revision) error {
	for _, f := range kept(target.Spec.Files) {
		if err := a.restoreFile(ctx, target.Namespace, f); err != nil {
			return err
		}
	}
	return nil
}

// kept are the files that can be put back. The target's pods ran without one that was missing; of one that was left
// out for its size there is nothing to write, and lostFile holds the rollback where it has changed.
func kept(files []v1alpha1.RevisionFile) []v1alpha1.RevisionFile {
	var all []v1alpha1.RevisionFile
	for _, f := range files {
		if !f.Missing && !f.Omitted {
			all = append(all, f)
		}
	}
	return all
}

func (a applier) restoreFile(ctx context.Context, namespace string, f v1alpha1.RevisionFile) error {
	stored := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: f.ConfigMap}}
	err := a.live.Get(ctx, client.ObjectKeyFromObject(stored), stored)
	switch {
	case apierrors.IsNotFound(err):
		setContent(stored, f)
		err = a.client.Create(ctx, stored, client.FieldOwner(history.Manager))
	case err == nil && !history.SameContent(f, stored):
		setContent(stored, f)
		err = a.client.Update(ctx, stored, client.FieldOwner(history.Manager))
	}
	if err != nil {
		return fmt.Errorf("putting file %s back: %w", f.ConfigMap, err)
	}
	var saved []metav1.ManagedFieldsEntry
	if err := json.Unmarshal(f.ManagedFields.Raw, &saved); err != nil {
		return fmt.Errorf("decoding the managed fields of file %s: %w", f.ConfigMap, err)
	}
	return a.writeOwnership(ctx, stored, saved)
}

// setContent writes a file's content, and nothing else: Score's ConfigMaps have one key.
func setContent(c *corev1.ConfigMap, f v1alpha1.RevisionFile) {
	c.Data, c.BinaryData = nil, nil
	if f.Text {
		c.Data = map[string]string{workload.FileKey: string(f.Content)}
		return
	}
	c.BinaryData = map[string][]byte{workload.FileKey: f.Content}
}

// lostFile names a file of the target whose content was not kept and is not what it was, or nothing.
func (a applier) lostFile(ctx context.Context, target *v1alpha1.Revision) (string, error) {
	for _, f := range target.Spec.Files {
		if !f.Omitted {
			continue
		}
		stored := &corev1.ConfigMap{}
		err := a.live.Get(ctx, client.ObjectKey{Namespace: target.Namespace, Name: f.ConfigMap}, stored)
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("reading file %s: %w", f.ConfigMap, err)
		}
		if err != nil || !history.SameContent(f, stored) {
			return f.ConfigMap, nil
		}
	}
	return "", nil
}
