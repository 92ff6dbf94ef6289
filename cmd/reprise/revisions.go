package main

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/webhook"
	"reprise.dev/reprise/workload"
)

// revisions implements webhook.Revisions on the recorded history.
type revisions struct {
	cached client.Reader
	live   client.Reader
}

// Quarantined implements webhook.Revisions.
func (r revisions) Quarantined(ctx context.Context, w types.NamespacedName, uid types.UID, template *corev1.PodTemplateSpec, now time.Time) (*webhook.Quarantine, error) {
	h, err := store.List(ctx, r.cached, w.Namespace, w.Name)
	if err != nil || h.LastFailure() == nil { // Most workloads have no failed revision, and a hash costs as much as a policy.
		return nil, err
	}
	failed, until := h.Quarantined(uid, workload.TemplateHash(template), now)
	if failed == nil {
		return nil, nil
	}
	if changed, err := store.ConfigMapsChanged(ctx, r.live, h, failed); err != nil || changed {
		return nil, err
	}
	return &webhook.Quarantine{Revision: failed.Spec.Number, Error: failed.FailureMessage(), Until: until}, nil
}

// LastHealthy implements webhook.Revisions.
func (r revisions) LastHealthy(ctx context.Context, w types.NamespacedName) (*webhook.Healthy, error) {
	h, err := store.List(ctx, r.cached, w.Namespace, w.Name)
	if err != nil {
		return nil, err
	}
	healthy := h.LastHealthy()
	if healthy == nil {
		return nil, nil
	}
	return &webhook.Healthy{Number: healthy.Spec.Number, IntentHash: healthy.Spec.IntentHash}, nil
}

// Recorded implements webhook.Revisions.
func (r revisions) Recorded(ctx context.Context, w types.NamespacedName, intent workload.Intent, hash string) (bool, error) {
	for _, reader := range []client.Reader{r.cached, r.live} {
		h, err := store.List(ctx, reader, w.Namespace, w.Name)
		if err != nil {
			return false, err
		}
		for i := range h {
			if history.IsRecordedAs(&h[i], intent, hash) {
				return true, nil
			}
		}
	}
	return false, nil
}

// ChangedFiles implements webhook.Revisions.
func (r revisions) ChangedFiles(ctx context.Context, w types.NamespacedName) ([]string, error) {
	h, err := store.List(ctx, r.cached, w.Namespace, w.Name)
	if err != nil || len(h) == 0 {
		return nil, err
	}
	return store.ChangedFiles(ctx, r.live, h.Newest())
}

// workloads implements webhook.Workloads on the API server.
type workloads struct {
	live client.Reader
}

// Live implements webhook.Workloads.
func (w workloads) Live(ctx context.Context, name types.NamespacedName) (*appsv1.Deployment, error) {
	deployment := &appsv1.Deployment{}
	if err := w.live.Get(ctx, name, deployment); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return deployment, nil
}
