package attack

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/test/harness/product"
)

// TestAFormerOwnersVersionDoesNotComeBack deletes a healthy Deployment, and has somebody else
// create one of the same name that fails: the spec and the variables of the former owner do not
// run.
func TestAFormerOwnersVersionDoesNotComeBack(t *testing.T) {
	t.Parallel()
	p := newTenant(t, product.Quick)
	p.Create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "next-owner"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "next-owner"}},
	})
	d := product.Idle(p.Namespace, "app")
	d.Spec.Replicas = new(int32(1))
	d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "FORMER", Value: "owner"}}
	if err := p.API.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	p.Becomes("app", "1 Healthy")
	if err := p.API.Delete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	next := p
	next.user = "next-owner"
	product.Eventually(t, func() (bool, string) { // The API server learns of the binding by its cache.
		said, err := next.kubectl("", "create", "deployment", "app", "--image=nginx:does-not-exist", "--dry-run=server")
		return err == nil, said
	})
	next.apply(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: app, annotations: {k8s.score.dev/workload-name: app}},
  spec: {selector: {matchLabels: {app: app}}, template: {metadata: {labels: {app: app}},
    spec: {containers: [{name: main, image: "nginx:does-not-exist"}]}}}}`)
	p.Becomes("app", "1 Healthy, 2 Failed")
	p.Says(p.Event("RollbackHeld", "app"), "(NoHealthyRevision)", "#1 was healthy before the Deployment was deleted and created again")
	if c := p.Deployment("app").Spec.Template.Spec.Containers[0]; len(c.Env) > 0 || !strings.HasSuffix(c.Image, "does-not-exist") {
		t.Errorf("the former owner's container runs: %+v", c)
	}
}
