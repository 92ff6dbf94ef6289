package store

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// ChangedFiles names the files that do not hold what a revision had, as containers.NAME.files.PATH.
func ChangedFiles(ctx context.Context, live client.Reader, r *v1alpha1.WorkloadRevision) ([]string, error) {
	var changed []string
	for _, f := range r.Spec.Files {
		stored := &corev1.ConfigMap{}
		err := live.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: f.ConfigMapName}, stored)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading file %s: %w", f.ConfigMapName, err)
		}
		if exists := err == nil; exists == (f.State == v1alpha1.FileMissing) || exists && !history.SameContent(f, stored) {
			for _, at := range f.Mounts {
				changed = append(changed, "containers."+at.ContainerName+".files."+at.Path)
			}
		}
	}
	return changed, nil
}
