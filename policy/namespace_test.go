package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEngine_Evaluate_NamespaceLabels(t *testing.T) {
	engine := engineOf(t, Module{File: "p.rego", Source: "own", Rego: `package p
deny contains sprintf("%s is of tier %s", [input.namespace.name, input.namespace.labels.tier])
deny contains "the labels are unknown" if not input.namespace.labels
`})
	if len(engine.Warnings()) > 0 {
		t.Errorf("warnings %v", engine.Warnings())
	}
	for reason, test := range map[string]struct {
		labels map[string]string
		want   []string
	}{
		"known":   {map[string]string{"tier": "gold"}, []string{"shop is of tier gold"}},
		"none":    {map[string]string{}, nil},
		"unknown": {nil, []string{"the labels are unknown"}},
	} {
		got := engine.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{"namespace": "shop"}, NamespaceLabels: test.labels})
		if diff := cmp.Diff(test.want, lines(got.Violations)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
	}
}
