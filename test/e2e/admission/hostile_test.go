package admission

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/test/harness/product"
)

// TestPoliciesThatCannotBeCompiled_AreLeftOut: they were stored before Reprise started. Others can
// be added, and more of the kind are denied.
func TestPoliciesThatCannotBeCompiled_AreLeftOut(t *testing.T) {
	p := newNamedPlace(t, "bombed")
	const exceeded = "compiling and trying the policies "
	if message := p.event(product.Namespace, "ConfigMap", bomb, "PolicyInvalid"); !strings.Contains(message, exceeded+"took more than") {
		t.Errorf("the Event says %q", message)
	}
	begun := time.Now()
	_, err := p.client.CoreV1().ConfigMaps(product.Namespace).Create(t.Context(), policies("another", map[string]string{"bad.rego": nested}), metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), exceeded) {
		t.Errorf("the answer is %v", err)
	}
	t.Logf("answered within %s: %v", time.Since(begun).Round(time.Millisecond), err)
	p.bring("beside-a-bomb", "package beside\ndeny contains \"not here\" if input.request.namespace == \"bombed\"")
	p.answers("bombed", acceptable("cart"), "not here")
}

// TestQuantityOutOfRange_IsDenied: a quantity with which the API server itself computes for long
// leaves no policy unevaluated.
func TestQuantityOutOfRange_IsDenied(t *testing.T) {
	p := newNamedPlace(t, "hostile")
	// Each amount with the text that the API server has for it.
	for amount, text := range map[string]string{"1e3000000": "1e3000000", "1e4000000": "10e3999999"} {
		d := acceptable("huge", func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
			d.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(amount)}
		})
		if encoded, err := json.Marshal(d); err != nil || !strings.Contains(string(encoded), text) {
			t.Fatalf("the Deployment is %s, %v, want it to hold %s", encoded, err, text)
		}
		want := "containers.main.resources.limits.memory: " + text + " is more than 9223372036854775807, the limit of Kubernetes for quantities"
		begun := time.Now()
		answer := p.dryRun("hostile", d)
		took := time.Since(begun)
		t.Logf("answered within %s: %s", took.Round(time.Millisecond), answer)
		if !strings.Contains(answer, want) || !strings.Contains(answer, "early.reprise.dev") {
			t.Errorf("the answer is %q, want %q by the early webhook", answer, want)
		}
		if took > 2*time.Second {
			t.Errorf("the answer took %s", took)
		}
	}
}
