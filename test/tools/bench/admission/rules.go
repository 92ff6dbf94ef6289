package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/test/harness/product"
)

// rulesName is the ConfigMap that holds the bench's rules.
const rulesName = "bench"

// rule looks at every request of every container, as the one that Gatekeeper, Kyverno and CEL were
// measured with.
const rule = `package rule_%02d

deny contains msg if {
	some container in input.effective.pod.spec.containers
	some name, request in container.resources.requests
	k8s.quantity.compare(request, container.resources.limits[name]) > 0
	msg := sprintf("%%s: %%s", [container.name, name])
}
`

// values switch the built-in pack off, or leave it as it is, and keep Reprise out of the other
// hooks' namespaces.
func values(builtin bool) (map[string]any, error) {
	protected := map[string]any{"protectedNamespaces": []any{"kube-system", bareNamespace, nothingNamespace}}
	if builtin {
		return protected, nil
	}
	modules, err := policy.Builtin()
	if err != nil {
		return nil, err
	}
	engine, err := policy.New(context.Background(), modules, policy.DefaultLimits(), policy.Overrides{})
	if err != nil {
		return nil, err
	}
	var off []any
	for _, r := range engine.Rules(policy.Final) {
		off = append(off, map[string]any{"policy": r.Name, "enforcement": "off"})
	}
	protected["policies"] = map[string]any{"overrides": off}
	return protected, nil
}

// bring stores a number of rules as policies, in the place of those before.
func (st *stage) bring(ctx context.Context, count int) error {
	maps := st.client.CoreV1().ConfigMaps(product.Namespace)
	if err := maps.Delete(ctx, rulesName, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the rules: %w", err)
	}
	if count == 0 {
		return nil
	}
	stored := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: rulesName, Labels: map[string]string{policy.Label: policy.LabelValue}},
		Data:       map[string]string{},
	}
	for number := range count {
		stored.Data[fmt.Sprintf("rule_%02d.rego", number)] = fmt.Sprintf(rule, number)
	}
	if _, err := maps.Create(ctx, stored, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("storing the rules: %w", err)
	}
	return nil
}
