package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/effective"
)

func TestDisplayAsWritten(t *testing.T) {
	request := decodeRequest(t, []byte(`{"operation":"CREATE","namespace":"shop","object":{"spec":{"template":{"spec":{
		"containers":[{"name":"main","resources":{"requests":{"memory":"0.5Gi","cpu":1.50},"limits":{"memory":"400000Ki","cpu":"1000m"}}}],
		"initContainers":[{"name":"first","resources":{"requests":{"cpu":"2000m"},"limits":{"cpu":1}}}]}}}}}`))
	deployment := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(request["object"].(map[string]any), deployment); err != nil {
		t.Fatal(err)
	}
	in := Input{Phase: Final, Request: request, Effective: effective.Compute(&deployment.Spec.Template, effective.Namespace{Name: "shop"})}
	engine := shippedEngine(t)
	for asWritten, want := range map[bool][]string{
		false: {
			"request 1500m exceeds the limit 1", "request 512Mi exceeds the limit 400000Ki", "request 2 exceeds the limit 1",
		},
		true: {
			"request 1.5 exceeds the limit 1000m", "request 0.5Gi exceeds the limit 400000Ki", "request 2000m exceeds the limit 1",
		},
	} {
		in.AsWritten = asWritten
		var got []string
		for _, v := range engine.Evaluate(t.Context(), in).Violations {
			if v.Rule == "requests-within-limits" {
				got = append(got, v.Message)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("as written %t: messages differ (-want +got):\n%s", asWritten, diff)
		}
	}
}
