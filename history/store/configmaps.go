package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// ConfigMap reads a ConfigMap from the API server, nil if there is none.
func ConfigMap(ctx context.Context, live client.Reader, key client.ObjectKey) (*corev1.ConfigMap, error) {
	stored := &corev1.ConfigMap{}
	err := live.Get(ctx, key, stored)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading ConfigMap %s: %w", key.Name, err)
	}
	return stored, nil
}

// ConfigMaps returns references to ConfigMaps, with the hashes of what they hold now. One that does
// not exist has none.
func ConfigMaps(ctx context.Context, live client.Reader, namespace string, names []string) ([]v1alpha1.ConfigMapDigest, error) {
	var all []v1alpha1.ConfigMapDigest
	for _, name := range names[:min(len(names), history.MaxConfigMaps)] {
		stored, err := ConfigMap(ctx, live, client.ObjectKey{Namespace: namespace, Name: name})
		if err != nil {
			return nil, err
		}
		reference := v1alpha1.ConfigMapDigest{Name: name}
		if stored != nil {
			if reference.Hash, err = contentHash(stored); err != nil {
				return nil, err
			}
		}
		all = append(all, reference)
	}
	return all, nil
}

// ConfigMapsChanged reports whether a ConfigMap of a failed revision's pods has changed since the
// failure, which then says nothing about the same template.
func ConfigMapsChanged(ctx context.Context, live client.Reader, failed *v1alpha1.WorkloadRevision) (bool, error) {
	if failed.Status.Failure == nil {
		return false, nil
	}
	known := failed.Status.Failure.ConfigMaps
	var names []string
	for _, c := range known {
		names = append(names, c.Name)
	}
	now, err := ConfigMaps(ctx, live, failed.Namespace, names)
	return err == nil && !slices.Equal(now, known), err
}

// ChangedFiles returns the own files of a revision that differ by now, as
// containers.NAME.files.PATH.
func ChangedFiles(ctx context.Context, live client.Reader, r *v1alpha1.WorkloadRevision) ([]string, error) {
	var changed []string
	for _, f := range r.Spec.Files {
		if f.State == v1alpha1.FileForeign {
			continue
		}
		stored, err := ConfigMap(ctx, live, client.ObjectKey{Namespace: r.Namespace, Name: f.ConfigMapName})
		if err != nil {
			return nil, err
		}
		if exists := stored != nil; exists == (f.State == v1alpha1.FileMissing) || exists && !history.SameContent(f, stored) {
			for _, at := range f.Mounts {
				changed = append(changed, "containers."+at.ContainerName+".files."+at.Path)
			}
		}
	}
	return changed, nil
}

func contentHash(c *corev1.ConfigMap) (string, error) {
	encoded, err := json.Marshal([]any{c.Data, c.BinaryData}) // encoding/json orders the keys of maps.
	if err != nil {
		return "", fmt.Errorf("encoding ConfigMap %s: %w", c.Name, err)
	}
	sum := sha256.Sum256(encoded)
	return history.HashVersion + hex.EncodeToString(sum[:16]), nil
}
