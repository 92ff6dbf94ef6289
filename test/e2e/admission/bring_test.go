package admission

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/test/harness/product"
)

const teamLabel = `package team_label

deny contains {"msg": msg, "field": "metadata.labels", "fix": "add it"} if {
	input.request.namespace == "brought"
	some label in input.parameters.labels
	not input.metadata.labels[label]
	msg := sprintf("label %s is missing", [label])
}
`

func TestAPolicyIsInForceWithoutARestartAndGoesWithItsConfigMap(t *testing.T) {
	p := newNamedPlace(t, "brought")
	p.answers("brought", acceptable("cart"), "")
	maps := p.client.CoreV1().ConfigMaps(product.Namespace)
	own := policies("own", map[string]string{"team.rego": teamLabel, "parameters.yaml": "labels: [team]"})
	if _, err := maps.Create(t.Context(), own, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p.answers("brought", acceptable("cart"), "labels: label team is missing; add it")

	own.Data["parameters.yaml"] = "labels: [owner]"
	if _, err := maps.Update(t.Context(), own, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	p.answers("brought", acceptable("cart"), "labels: label owner is missing; add it")

	bad := own.DeepCopy()
	bad.Data["team.rego"] = "package team_label\n\ndeny contains msg if { msg := unknown(1) }"
	_, err := maps.Update(t.Context(), bad, metav1.UpdateOptions{})
	if err == nil || !strings.Contains(err.Error(), "policies in ConfigMap own cannot be used: own/team.rego:3: ") || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("a policy that does not compile: %v", err)
	}
	p.answers("brought", acceptable("cart"), "label owner is missing")

	endless := policies("endless", map[string]string{"p.rego": "package endless\n\ndeny contains \"never\" if count([1 | some i in numbers.range(1, 90000); some j in numbers.range(1, 90000); i * j < 0]) > 0"})
	// It exceeds its time or its memory, whichever comes first.
	_, err = maps.Create(t.Context(), endless, metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "it would delay every apply") && !strings.Contains(err.Error(), "compiling and trying the policies took more than") {
		t.Errorf("a rule that never ends: %v", err)
	}

	if err := maps.Delete(t.Context(), "own", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.answers("brought", acceptable("cart"), "")
}

func TestAConfigMapThatSlippedInIsReportedAndTakesNothingDown(t *testing.T) {
	p := newNamedPlace(t, strict)
	message := p.event(product.Namespace, "ConfigMap", slipped, "PolicyInvalid")
	if !strings.Contains(message, "policies not loaded: ") || !strings.Contains(message, "slipped-in/bad.rego:3") {
		t.Errorf("the event says %q", message)
	}
	p.answers(strict, acceptable("cart"), "there is no memory limit")
}

func TestWhatCouldNotBeCheckedIsAdmittedAndTold(t *testing.T) {
	p := newNamedPlace(t, "unchecked")
	maps := p.client.CoreV1().ConfigMaps(product.Namespace)
	broken := policies("broken", map[string]string{"p.rego": `package broken_rule
deny contains "never" if {
	input.request.namespace == "unchecked"
	k8s.quantity.compare(input.metadata.name, "1") > 0
}`})
	if _, err := maps.Create(t.Context(), broken, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = maps.Delete(context.WithoutCancel(t.Context()), "broken", metav1.DeleteOptions{})
	})
	const told = "admitted without being fully checked: rule broken-rule could not be evaluated: "
	product.Eventually(t, func() (bool, string) {
		answer := p.dryRun("unchecked", acceptable("tried"))
		said := p.Warnings.Take()
		return answer == "" && strings.Contains(said, told), fmt.Sprintf("the answer is %q, the warnings are %q", answer, said)
	})
	if _, err := p.client.AppsV1().Deployments("unchecked").Create(t.Context(), acceptable("stored"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if message := p.event("unchecked", "Deployment", "stored", "AdmissionUnchecked"); !strings.HasPrefix(message, told) {
		t.Errorf("the event says %q", message)
	}
	if events := product.Events(p, p.API, product.EventFilter{Namespace: "unchecked", Kind: "Deployment", Name: "tried"}); len(events) > 0 {
		t.Errorf("the dry runs left %d events", len(events))
	}
}

// event waits for an Event about an object and returns its message.
func (p place) event(namespace, kind, name, reason string) string {
	p.Helper()
	f := product.EventFilter{Namespace: namespace, Kind: kind, Name: name, Reason: reason}
	return product.AwaitEvent(p, p.API, f).Message
}
