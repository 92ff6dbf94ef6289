package deployers

import (
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// name is that of the workload, and container that of its container.
const (
	name      = "app"
	container = "main"
)

// manifest is what a deployer deploys.
type manifest struct {
	image string
	env   map[string]string
	// labels and annotations are the Deployment's, beside those that Score writes.
	labels, annotations map[string]string
	args                []string
	// grace is terminationGracePeriodSeconds, 0 where the manifest leaves it to the API server's
	// default.
	grace int64
	// replicas are 0 where the manifest does not hold any.
	replicas int64
}

// The manifests of a story. Between the first and the bad one a field of every kind is changed,
// added and dropped; the fixes differ in whether they keep what the bad one had dropped.
var (
	first = manifest{
		image: "registry.example.com/app:1", env: map[string]string{"A": "1", "B": "1", "D": "1"},
		labels: map[string]string{"team": "shop", "tier": "gold"}, annotations: map[string]string{"owner": "shop@example.com"},
	}
	bad = manifest{
		image: "registry.example.com/app:does-not-exist", env: map[string]string{"A": "2", "C": "1", "D": "1"},
		labels: map[string]string{"team": "shop"}, annotations: map[string]string{"owner": "shop@example.com", "note": "new"},
		args: []string{"--verbose"}, grace: 60,
	}
	fix = manifest{
		image: "registry.example.com/app:2", env: map[string]string{"A": "3", "B": "1", "D": "1"},
		labels: map[string]string{"team": "shop", "tier": "gold"}, annotations: map[string]string{"owner": "shop@example.com"},
	}
	fixThatDrops = manifest{
		image: "registry.example.com/app:2", env: map[string]string{"A": "3"}, labels: map[string]string{"team": "shop"},
	}
)

// object is the manifest as score-k8s would write it.
func (m manifest) object() *unstructured.Unstructured {
	selector := map[string]any{"app.kubernetes.io/instance": name + "-1a2b3c"}
	main := map[string]any{"name": container, "image": m.image}
	var env []any
	for _, key := range slices.Sorted(maps.Keys(m.env)) {
		env = append(env, map[string]any{"name": key, "value": m.env[key]})
	}
	main["env"] = env
	if len(m.args) > 0 {
		main["args"] = anySlice(m.args)
	}
	pod := map[string]any{"containers": []any{main}}
	if m.grace > 0 {
		pod["terminationGracePeriodSeconds"] = m.grace
	}
	score := map[string]string{"k8s.score.dev/workload-name": name}
	spec := map[string]any{
		"selector": map[string]any{"matchLabels": selector},
		"template": map[string]any{"metadata": map[string]any{"labels": selector, "annotations": joined(score)}, "spec": pod},
	}
	if m.replicas > 0 {
		spec["replicas"] = m.replicas
	}
	d := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": name, "labels": joined(m.labels), "annotations": joined(score, m.annotations)},
		"spec":     spec,
	}}
	d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	return d
}

// yaml is the manifest as a file holds it.
func (m manifest) yaml() []byte {
	encoded, err := yaml.Marshal(m.object().Object)
	if err != nil {
		panic(err) // It is made of maps and strings.
	}
	return encoded
}

func joined(all ...map[string]string) map[string]any {
	out := map[string]any{}
	for _, one := range all {
		for key, value := range one {
			out[key] = value
		}
	}
	return out
}

func anySlice(in []string) []any {
	out := make([]any, len(in))
	for i := range in {
		out[i] = in[i]
	}
	return out
}
