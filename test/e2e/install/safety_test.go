package install

import (
	"encoding/base64"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/product"
)

func TestARestrictedNamespaceAcceptsThePods(t *testing.T) {
	installed(t, nil)
	c := api(t)
	d := &appsv1.Deployment{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: product.Namespace, Name: product.Release}, d); err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "restricted-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(), Spec: d.Spec.Template.Spec}
	pod.Namespace, pod.Name = namespace.Name, "reprise"
	if err := c.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Errorf("a restricted namespace refuses the pod: %v", err)
	}
	pod.Spec.SecurityContext = nil
	if err := c.Create(t.Context(), pod, client.DryRunAll); err == nil {
		t.Error("the namespace refuses nothing: the test proves nothing")
	}
}

func TestProtectedNamespacesAreNeverHeldUp(t *testing.T) {
	at := port(t)
	installed(t, own(at))
	i := launched(t, "protecting", at, "--cert-mode="+selfSigned)
	ready(t, i)
	c := api(t)
	if err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "cert-manager"}}); err != nil {
		t.Fatal(err)
	}
	guarded := newNamespace(t)
	for _, namespace := range []string{guarded, product.Namespace, "kube-system", "cert-manager"} {
		load.Bound(t, c, namespace)
	}
	product.Eventually(t, func() (bool, string) {
		return load.Denied(c.Create(t.Context(), load.Deployment(guarded, 0, true), client.DryRunAll)), "a bad workload passes where it should be refused"
	})
	for _, namespace := range []string{product.Namespace, "kube-system", "cert-manager"} {
		if err := c.Create(t.Context(), load.Deployment(namespace, 0, true), client.DryRunAll); err != nil {
			t.Errorf("a workload in %s is held up: %v", namespace, err)
		}
	}
}

// inName is an authority in name only, which is all that the chart asks.
var inName = base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----"))

// TestRepriseReadsNoSecretButItsOwn asks the API server what Reprise's account may do, in each
// mode.
func TestRepriseReadsNoSecretButItsOwn(t *testing.T) {
	for mode, reads := range map[string]bool{selfSigned: true, "existing": false} {
		t.Run(mode, func(t *testing.T) {
			installed(t, map[string]any{"certificates": map[string]any{"mode": mode, "secretName": "tls", "caBundle": inName}})
			for _, tt := range []struct {
				verb, namespace, name string
				want                  bool
			}{
				{"get", product.Namespace, secretName, reads},
				{"update", product.Namespace, secretName, reads},
				{"get", product.Namespace, "another", false},
				{"list", product.Namespace, "", false},
				{"create", product.Namespace, "", false},
				{"delete", product.Namespace, secretName, false},
				{"get", "default", secretName, false},
				{"list", "", "", false},
			} {
				if got := may(t, tt.verb, "", "secrets", tt.namespace, tt.name); got != tt.want {
					t.Errorf("may %s secret %s/%s: %t, want %t", tt.verb, tt.namespace, tt.name, got, tt.want)
				}
			}
			for name, want := range map[string]bool{product.Release: reads, "another": false} {
				if got := may(t, "update", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", name); got != want {
					t.Errorf("may update the webhook configuration %s: %t, want %t", name, got, want)
				}
			}
		})
	}
}

// may asks whether Reprise's account may do something.
func may(t *testing.T, verb, group, resource, namespace, name string) bool {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:   fmt.Sprintf("system:serviceaccount:%s:%s", product.Namespace, product.Release),
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + product.Namespace, "system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: group, Resource: resource, Namespace: namespace, Name: name,
		},
	}}
	if err := api(t).Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}
