package effective

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// FuzzCompute feeds any template, LimitRange and quota that decode. Compute must not panic, must
// return the same twice, and must find nothing to complete in a pod that it completed.
func FuzzCompute(f *testing.F) {
	template, ns := busyCase()
	seed := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	f.Add(seed(template), seed(ns.LimitRanges[0]), seed(ns.ResourceQuotas[0]))
	f.Add([]byte(`{"spec":{"resources":{"limits":{"cpu":"1","hugepages-2Mi":"4Mi"}},"containers":[{"name":"a","resources":{"requests":{"cpu":"9e18"}}}]}}`),
		[]byte(`{"spec":{"limits":[{"type":"Container","default":{"memory":"1n","cpu":"-1"},"maxLimitRequestRatio":{"cpu":"0"}},{"type":"Pod","min":{"memory":"9223372036854775807"}}]}}`),
		[]byte(`{"spec":{"scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"?"}]}},"status":{"hard":{"cpu":"1"}}}`))
	f.Add([]byte(`{"spec":{"containers":[{"resources":{"limits":{"hugepages-":"1","hugepages-0":"1","/":"1"}}}]}}`), []byte(`{}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, templateJSON, rangeJSON, quotaJSON []byte) {
		var template corev1.PodTemplateSpec
		var lr corev1.LimitRange
		var q corev1.ResourceQuota
		if json.Unmarshal(templateJSON, &template) != nil || json.Unmarshal(rangeJSON, &lr) != nil || json.Unmarshal(quotaJSON, &q) != nil {
			t.Skip("not the objects asked for")
		}
		ns := namespace(func(ns *Namespace) {
			ns.LimitRanges, ns.ResourceQuotas = []*corev1.LimitRange{&lr}, []*corev1.ResourceQuota{&q}
			ns.Labels = map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
		})
		first := Compute(&template, ns)
		if diff := cmp.Diff(first, Compute(&template, ns)); diff != "" {
			t.Errorf("different the second time (-first +second):\n%s", diff)
		}
		again := Compute(&corev1.PodTemplateSpec{ObjectMeta: first.Pod.ObjectMeta, Spec: first.Pod.Spec}, ns)
		if diff := cmp.Diff(first.Pod.Spec, again.Pod.Spec); diff != "" && first.Pod.Spec.Resources == nil {
			t.Errorf("a complete pod was completed (-first +again):\n%s", diff)
		}
	})
}
