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
		reference, err := digestOf(name, stored)
		if err != nil {
			return nil, err
		}
		all = append(all, reference)
	}
	return all, nil
}

// digestOf returns the reference to a ConfigMap, without a hash if stored is nil.
func digestOf(name string, stored *corev1.ConfigMap) (v1alpha1.ConfigMapDigest, error) {
	reference := v1alpha1.ConfigMapDigest{Name: name}
	var err error
	if stored != nil {
		reference.Hash, err = contentHash(stored)
	}
	return reference, err
}

// ConfigMapsChanged reports whether a ConfigMap of a failed revision's pods has changed since the
// failure, which then says nothing about the same template. A file that Reprise's own rollback
// restored is no such change: nobody fixed anything. h holds the revision that was restored.
func ConfigMapsChanged(ctx context.Context, live client.Reader, h history.History, failed *v1alpha1.WorkloadRevision) (bool, error) {
	if failed.Status.Failure == nil {
		return false, nil
	}
	for _, known := range failed.Status.Failure.ConfigMaps {
		stored, err := ConfigMap(ctx, live, client.ObjectKey{Namespace: failed.Namespace, Name: known.Name})
		if err != nil {
			return false, err
		}
		now, err := digestOf(known.Name, stored)
		if err != nil {
			return false, err
		}
		if now != known && !restoredByUs(h, failed, stored) {
			return true, nil
		}
	}
	return false, nil
}

// restoredByUs reports whether a ConfigMap is a file as the rollback of a failed revision restored
// it. stored is nil if there is no ConfigMap.
func restoredByUs(h history.History, failed *v1alpha1.WorkloadRevision, stored *corev1.ConfigMap) bool {
	if stored == nil || failed.Status.Rollback == nil {
		return false
	}
	target := h.Number(failed.Status.Rollback.ToRevision)
	return target != nil && slices.ContainsFunc(target.Spec.Files, func(f v1alpha1.RevisionFile) bool {
		return f.ConfigMapName == stored.Name && f.State != v1alpha1.FileForeign && history.SameContent(f, stored)
	})
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
