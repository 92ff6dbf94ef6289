package rollback

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// of is a revision with one container and the given variables.
func of(image string, variables ...string) diff.Revision {
	c := corev1.Container{Name: "main", Image: image}
	for i := 0; i < len(variables); i += 2 {
		c.Env = append(c.Env, corev1.EnvVar{Name: variables[i], Value: variables[i+1]})
	}
	d := &appsv1.Deployment{}
	d.Spec.Template.Spec.Containers = []corev1.Container{c}
	return diff.Revision{Intent: workload.IntentOf(d)}
}

func TestFieldsLeftBehind(t *testing.T) {
	target, failed := of("app:1", "A", "1", "B", "1"), of("app:2", "A", "2", "C", "1")
	tests := map[string]struct {
		reason string
		next   diff.Revision
		want   string
	}{
		"Left":        {reason: "the fix was made from the failed revision", next: of("app:3", "A", "3", "B", "1"), want: "containers.main.variables.B removed"},
		"Gone":        {reason: "the fix removes it too", next: of("app:3", "A", "3")},
		"SetAnew":     {reason: "the fix has it with another value", next: of("app:3", "A", "3", "B", "2")},
		"OldManifest": {reason: "nothing that was changed is left behind", next: of("app:1", "A", "1")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := FieldsLeftBehind(failed, target, tt.next)
			if err != nil {
				t.Fatal(err)
			}
			if said := got.Short(200); len(got) > 0 != (tt.want != "") || tt.want != "" && said != tt.want {
				t.Errorf("%s: %q", tt.reason, said)
			}
		})
	}
}

func TestKeepsStateElsewhere(t *testing.T) {
	tests := []struct {
		reason, by string
		operation  metav1.ManagedFieldsOperationType
		fields     string
		want       bool
	}{
		{"Helm 3 keeps the original in a Secret", "helm", metav1.ManagedFieldsOperationUpdate, `{"f:spec":{}}`, true},
		{"a server-side apply keeps it in the managed fields", "argocd-controller", metav1.ManagedFieldsOperationApply, `{"f:spec":{}}`, false},
		{"kubectl apply keeps it in an annotation", "kubectl-client-side-apply", metav1.ManagedFieldsOperationUpdate, `{"f:spec":{}}`, false},
		{
			"so does Argo CD by default, under its own name", "argocd-controller", metav1.ManagedFieldsOperationUpdate,
			`{"f:metadata":{"f:annotations":{"f:kubectl.kubernetes.io/last-applied-configuration":{}}}}`, false,
		},
		{"kubectl set compares with nothing", "kubectl-set", metav1.ManagedFieldsOperationUpdate, `{"f:spec":{}}`, false},
	}
	for _, tt := range tests {
		entry := metav1.ManagedFieldsEntry{Manager: tt.by, Operation: tt.operation, FieldsV1: metav1.NewFieldsV1(tt.fields)}
		if got := KeepsStateElsewhere(tt.by, []metav1.ManagedFieldsEntry{entry}); got != tt.want {
			t.Errorf("%s: %t", tt.reason, got)
		}
	}
}

func TestAfterRollback_OnlyADeployOntoARollback(t *testing.T) {
	h := past(v1alpha1.PhaseHealthy, v1alpha1.PhaseRolledBack, v1alpha1.PhaseHealthy, v1alpha1.PhaseProgressing)
	h[2].Spec.RollbackOf, h[2].Spec.RestoredFrom = 2, 1
	if failed, target := AfterRollback(h); failed == nil || failed.Spec.Number != 2 || target.Spec.Number != 1 {
		t.Errorf("compares with %v and %v, want #2 and #1", failed, target)
	}
	for reason, other := range map[string]history.History{"the rollback itself": h[:3], "a deploy onto a deploy": h[:2], "the first": h[:1]} {
		if failed, _ := AfterRollback(other); failed != nil {
			t.Errorf("%s: compares with #%d", reason, failed.Spec.Number)
		}
	}
}
