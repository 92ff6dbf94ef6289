package history

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestObserve(t *testing.T) {
	d := deployment("x:1")
	o := observed(t, d)
	if o.Identity != IdentityOf(d) || o.Deployment.Name != "a" || o.Raw.GetName() != "a" {
		t.Errorf("got %+v", o)
	}
	wrong := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"template": "text"}}}
	if _, err := Observe(wrong); err == nil {
		t.Error("a template that is a text is decoded")
	}
}

func TestIdentityOf(t *testing.T) {
	base := IdentityOf(deployment("x:1"))
	for name, tt := range map[string]struct {
		reason string
		d      *appsv1.Deployment
		same   bool
	}{
		"Same":      {"the resourceVersion is no part of it", deployment("x:1", func(d *appsv1.Deployment) { d.ResourceVersion = "99" }), true},
		"Image":     {"another intent", deployment("x:2"), false},
		"Recreated": {"another Deployment of that name", deployment("x:1", recreated), false},
	} {
		if got := IdentityOf(tt.d) == base; got != tt.same {
			t.Errorf("%s: %s: %v", name, tt.reason, got)
		}
	}
	if r := next(t, nil, deployment("x:1"), NewFiles(), Arrival{}); RecordedIdentity(r) != base {
		t.Errorf("recorded as %+v, want %+v", RecordedIdentity(r), base)
	}
}
