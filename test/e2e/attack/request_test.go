package attack

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/product"
)

// TestARequestDeploysOnlyWhatThePoliciesAllow asks Reprise for a revision that a policy has denied
// since: the tenant may not deploy it, and Reprise does not do it instead.
func TestARequestDeploysOnlyWhatThePoliciesAllow(t *testing.T) {
	t.Parallel()
	p := newTenant(t, product.Quick)
	d := product.Idle(p.Namespace, "app")
	d.Spec.Replicas = new(int32(1))
	d.Spec.Template.Spec.Containers[0].Image = "example.com/app:forbidden"
	if err := p.API.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	p.Becomes("app", "1 Healthy")
	setImage := func(tag string, opts ...client.PatchOption) error {
		live := p.Deployment("app")
		before := live.DeepCopy()
		live.Spec.Template.Spec.Containers[0].Image = "example.com/app:" + tag
		return p.API.Patch(t.Context(), live, client.MergeFrom(before), opts...)
	}
	if err := setImage("allowed"); err != nil {
		t.Fatal(err)
	}
	p.Becomes("app", "1 Healthy, 2 Healthy")
	p.Create(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: product.Namespace, Name: "forbid-" + p.Namespace, Labels: map[string]string{"reprise.dev/policy": "true"}},
		Data: map[string]string{"forbidden.rego": fmt.Sprintf(`# METADATA
# title: Forbidden
# custom:
#   enforcement: deny
package forbidden_in.%[1]s

deny contains msg if {
	input.request.namespace == %[2]q
	endswith(input.request.object.spec.template.spec.containers[0].image, ":forbidden")
	msg := "this image is forbidden"
}
`, "a"+p.Namespace[len("test-"):], p.Namespace)},
	})
	product.Eventually(t, func() (bool, string) {
		err := setImage("forbidden", client.DryRunAll)
		return err != nil, "the policy is not in force"
	})
	if said, err := p.kubectl("", "annotate", "deployment/app", "reprise.dev/rollback-to=1@2"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	p.Says(p.Event("RequestRejected", "app"), "reprise.dev/rollback-to=1@2", "#1 violates the active policies", "this image is forbidden")
	if image := p.Deployment("app").Spec.Template.Spec.Containers[0].Image; image != "example.com/app:allowed" {
		t.Errorf("%s runs", image)
	}
	if r := p.Becomes("app", "1 Healthy, 2 Healthy")[1].Status.Requests; len(r) != 1 || r[0].Result != "Rejected" {
		t.Errorf("answered %+v", r)
	}
}
