package policy

import "testing"

func TestScoreField(t *testing.T) {
	object := decodeRequest(t, []byte(`{"spec":{"selector":{},"template":{"spec":{
		"initContainers":[{"name":"first"}],
		"volumes":[{"name":"file-1"}],
		"containers":[{"name":"main",
			"env":[{"name":"A"},{"name":"B"}],
			"ports":[{"containerPort":8080}],
			"volumeMounts":[{"name":"file-1","mountPath":"/etc/app"}]}]}}}}`))
	tests := []struct{ path, want, reason string }{
		{"spec.template.spec.containers[0].resources.requests[memory]", "containers.main.resources.requests.memory", "Score's own path"},
		{"spec.template.spec.containers[0].resources.limits[example.com/gpu]", "containers.main.resources.limits.example.com/gpu", "a key may hold dots"},
		{"spec.template.spec.initContainers[0].image", "initContainers.first.image", "init containers likewise"},
		{"spec.template.spec.containers[0].env[1].value", "containers.main.variables.B.value", "env is called variables"},
		{"spec.template.spec.containers[0].volumeMounts[0]", "containers.main.volumes./etc/app", "volumes are keyed by path"},
		{"spec.template.spec.containers[0].ports[0]", "containers.main.ports.8080", "a port without a name by its number"},
		{"spec.template.spec.volumes[0].name", "volumes.file-1.name", "a volume by its name"},
		{"spec.template.spec.containers[7].image", "containers.7.image", "no such container"},
		{"spec.template.spec.priorityClassName", "priorityClassName", "what leads there says nothing"},
		{"spec.selector.matchLabels[app.kubernetes.io/instance]", "selector.matchLabels.app.kubernetes.io/instance", "of the Deployment"},
		{"metadata.labels[team]", "labels.team", "of the Deployment's metadata"},
		{"", "", "no field"},
		{"spec", "spec", "nothing but what leads there"},
		{"a[b", "a.b", "no path of the API server's"},
	}
	for _, test := range tests {
		if got := scoreField(test.path, object); got != test.want {
			t.Errorf("%s: %s becomes %s, want %s", test.reason, test.path, got, test.want)
		}
	}
}
