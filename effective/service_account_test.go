package effective

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestCompute_ServiceAccount(t *testing.T) {
	puller := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "puller"}, ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}}}
	ns := namespace(func(ns *Namespace) { ns.ServiceAccounts = append(ns.ServiceAccounts, puller) })

	if r := Compute(app(stating(nil, nil)), ns); r.Pod.Spec.ServiceAccountName != "default" || len(r.Violations) != 0 {
		t.Errorf("runs as %q: %v", r.Pod.Spec.ServiceAccountName, r.Violations)
	}
	named := with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.ServiceAccountName = "puller" })
	if got := Compute(named, ns).Pod.Spec.ImagePullSecrets; len(got) != 1 || got[0].Name != "registry" {
		t.Errorf("pull secrets %v", got)
	}
	named.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "own"}}
	if got := Compute(named, ns).Pod.Spec.ImagePullSecrets; len(got) != 1 || got[0].Name != "own" {
		t.Errorf("pull secrets %v, want the template's own", got)
	}
}

func TestCompute_MissingServiceAccountIsTransient(t *testing.T) {
	none := Namespace{Name: "shop"}
	if got := one(t, Compute(app(stating(nil, nil)), none)); !got.Transient || got.Rule != RuleServiceAccount {
		t.Errorf("violation %+v", got)
	}
	named := with(app(stating(nil, nil)), func(s *corev1.PodSpec) { s.ServiceAccountName = "robot" })
	if got := one(t, Compute(named, none)); !got.Transient || got.Message != "ServiceAccount robot does not exist in namespace shop" {
		t.Errorf("violation %+v", got)
	}
}

func TestCompute_ServiceAccountThatLimitsItsSecretsIsUnknown(t *testing.T) {
	r := Compute(app(stating(nil, nil)), namespace(func(ns *Namespace) {
		ns.ServiceAccounts[0].Annotations = map[string]string{enforceMountableSecrets: "true"}
	}))
	if len(r.Unknown) != 1 || r.Unknown[0].Kind != KindServiceAccount {
		t.Errorf("cannot tell %v", r.Unknown)
	}
}
