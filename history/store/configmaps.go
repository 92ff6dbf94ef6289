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

// maxConfigMaps is of how many ConfigMaps a failed revision notes what they held.
const maxConfigMaps = 32

// ConfigMaps says what the ConfigMaps of these names hold now, Score's files among them.
func ConfigMaps(ctx context.Context, live client.Reader, namespace string, names []string) ([]v1alpha1.ConfigMapDigest, error) {
	var all []v1alpha1.ConfigMapDigest
	for _, name := range names[:min(len(names), maxConfigMaps)] {
		stored := &corev1.ConfigMap{}
		err := live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, stored)
		if apierrors.IsNotFound(err) {
			all = append(all, v1alpha1.ConfigMapDigest{Name: name})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading ConfigMap %s: %w", name, err)
		}
		hash, err := contentHash(stored)
		if err != nil {
			return nil, err
		}
		all = append(all, v1alpha1.ConfigMapDigest{Name: name, Hash: hash})
	}
	return all, nil
}

// ConfigMapsChanged says whether a ConfigMap that a failed revision's pods read has changed since: its failure says nothing any
// more.
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

func contentHash(c *corev1.ConfigMap) (string, error) {
	encoded, err := json.Marshal([]any{c.Data, c.BinaryData}) // Maps are encoded in the order of their keys.
	if err != nil {
		return "", fmt.Errorf("encoding ConfigMap %s: %w", c.Name, err)
	}
	sum := sha256.Sum256(encoded)
	return history.HashVersion + hex.EncodeToString(sum[:16]), nil
}
