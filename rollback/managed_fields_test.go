package rollback

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// owns is an entry of the managed fields.
func owns(manager, subresource, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fields)}
}

func TestRestoredOwnership_KeepsOwnersOfUnrestoredFields(t *testing.T) {
	const (
		image    = `{"f:spec":{"f:template":{}}}`
		replicas = `{"f:spec":{"f:replicas":{}}}`
		both     = `{"f:spec":{"f:replicas":{},"f:template":{}}}`
		setting  = `{"f:metadata":{"f:annotations":{"f:reprise.dev/bake-time":{}}}}`
		noted    = `{"f:metadata":{"f:annotations":{"f:note":{},"f:reprise.dev/bake-time":{}}}}`
		note     = `{"f:metadata":{"f:annotations":{"f:note":{}}}}`
	)
	tests := map[string]struct {
		reason            string
		saved, live, want []metav1.ManagedFieldsEntry
	}{
		"ScaledSince": {
			reason: "whoever scaled it took the replicas from the deployer",
			saved:  []metav1.ManagedFieldsEntry{owns("argo", "", both)},
			live:   []metav1.ManagedFieldsEntry{owns("argo", "", image), owns("kubectl", "scale", replicas)},
			want:   []metav1.ManagedFieldsEntry{owns("argo", "", image), owns("kubectl", "scale", replicas)},
		},
		"NotScaled": {
			reason: "the deployer's replicas are its own still",
			saved:  []metav1.ManagedFieldsEntry{owns("argo", "", both)},
			live:   []metav1.ManagedFieldsEntry{owns("argo", "", both)},
			want:   []metav1.ManagedFieldsEntry{owns("argo", "", both)},
		},
		"ReplicasOfTheBadRevision": {
			reason: "an apply without them would make them 1",
			saved:  []metav1.ManagedFieldsEntry{owns("argo", "", image)},
			live:   []metav1.ManagedFieldsEntry{owns("argo", "", both)},
			want:   []metav1.ManagedFieldsEntry{owns("argo", "", image)},
		},
		"SettingOfTheBadRevision": {
			reason: "the next apply without it removes it",
			saved:  []metav1.ManagedFieldsEntry{owns("argo", "", note)},
			live:   []metav1.ManagedFieldsEntry{owns("argo", "", setting)},
			want:   []metav1.ManagedFieldsEntry{owns("argo", "", noted)},
		},
		"SettingTakenOver": {
			reason: "somebody else set it since",
			saved:  []metav1.ManagedFieldsEntry{owns("argo", "", noted)},
			live:   []metav1.ManagedFieldsEntry{owns("argo", "", note), owns("kubectl-annotate", "", setting)},
			want:   []metav1.ManagedFieldsEntry{owns("argo", "", note), owns("kubectl-annotate", "", setting)},
		},
		"PauseOfTheBadRevision": {
			reason: "the next apply without it resumes the rollout",
			saved:  []metav1.ManagedFieldsEntry{owns("argo", "", image)},
			live:   []metav1.ManagedFieldsEntry{owns("argo", "", `{"f:spec":{"f:paused":{},"f:template":{}}}`), owns("kubectl-rollout", "", `{"f:spec":{"f:paused":{}}}`)},
			want:   []metav1.ManagedFieldsEntry{owns("argo", "", `{"f:spec":{"f:paused":{},"f:template":{}}}`), owns("kubectl-rollout", "", `{"f:spec":{"f:paused":{}}}`)},
		},
		"SomebodyWithNothingLeft": {
			reason: "what it wrote was restored",
			saved:  []metav1.ManagedFieldsEntry{owns("argo", "", image)},
			live:   []metav1.ManagedFieldsEntry{owns("argo", "", image), owns("kubectl-edit", "", note)},
			want:   []metav1.ManagedFieldsEntry{owns("argo", "", image)},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if difference := cmp.Diff(tt.want, RestoredOwnership(tt.saved, tt.live)); difference != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, difference)
			}
		})
	}
}
