package health

import (
	"regexp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Messages of the API server when it rejects a ReplicaSet's pods. The condition has them only as
// text.
var (
	// webhookDown matches an admission webhook that did not answer. It did not reject these pods
	// (k8s.io/apiserver/pkg/admission/plugin/webhook/errors).
	webhookDown = regexp.MustCompile(`failed calling webhook|Internal error occurred|timed out|connection refused|etcdserver`)
	// overQuota matches an exhausted quota, perhaps by other workloads
	// (k8s.io/apiserver/pkg/admission/plugin/resourcequota).
	overQuota = regexp.MustCompile(`exceeded quota|status unknown for quota|insufficient quota`)
	// neverValid matches errors that are permanent for the same pod: validation, a LimitRange's
	// bounds, PodSecurity.
	neverValid = regexp.MustCompile(`is invalid|Invalid value|usage per (Container|Pod)|max limit to request ratio|violates PodSecurity|must specify|forbidden: failed quota`)
)

// createFailure returns the signal of a ReplicaSet that cannot create its pods.
func createFailure(set *appsv1.ReplicaSet) (signal, bool) {
	for _, c := range set.Status.Conditions {
		if c.Type != appsv1.ReplicaSetReplicaFailure || c.Status != corev1.ConditionTrue || c.Reason != "FailedCreate" {
			continue
		}
		out := signal{
			Failure: Failure{Pod: set.Name, Reason: c.Reason, Message: c.Message},
			class:   medium, kind: uncreated, since: c.LastTransitionTime.Time, grace: mediumGrace,
			cause: "pods cannot be created: " + c.Message,
		}
		switch {
		case webhookDown.MatchString(c.Message):
			out.class, out.external = weak, true
		case neverValid.MatchString(c.Message):
			out.class, out.grace = certain, certainGrace
		case overQuota.MatchString(c.Message):
			out.external = true
		}
		return out, true
	}
	return signal{}, false
}
