package deployers

import (
	"encoding/json"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// state is what a deployer left of a workload: what is asked for, and who owns which field.
type state struct {
	Labels, Annotations map[string]string
	Spec                map[string]any
	// Owners are the fields of each manager, with its operation, its subresource and its API version.
	Owners map[string]any
}

// state reads the workload. What the deployment controller writes is left out: its annotation, and
// all that it owns through the status. The namespace is no difference either.
func (p place) state() state {
	p.Helper()
	d := p.live()
	s := state{Labels: d.GetLabels(), Annotations: d.GetAnnotations(), Owners: map[string]any{}}
	delete(s.Annotations, "deployment.kubernetes.io/revision")
	s.Spec, _ = d.Object["spec"].(map[string]any)
	for _, entry := range d.GetManagedFields() {
		if entry.Subresource == "status" {
			continue
		}
		key := strings.Join([]string{entry.Manager, string(entry.Operation), entry.Subresource, entry.APIVersion}, " ")
		if s.Owners[key] != nil {
			p.Errorf("%s has two entries among the managed fields", key)
		}
		var fields any
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			p.Fatal(err)
		}
		s.Owners[key] = fields
	}
	encoded, err := json.Marshal(s)
	if err != nil {
		p.Fatal(err)
	}
	var out state
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(encoded), p.Namespace, "NAMESPACE")), &out); err != nil {
		p.Fatal(err)
	}
	return out
}

// asIfNever fails the test where the workload is not what it is in the control.
func (p place) asIfNever(control place, when string) {
	p.Helper()
	if difference := cmp.Diff(control.state(), p.state()); difference != "" {
		p.Errorf("%s it is not as if the bad revision had never been applied (-control +live):\n%s", when, difference)
	}
}
