package health

import (
	"regexp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// What the API server says when it refuses a ReplicaSet's pods; the condition passes it on as text
// only.
var (
	// webhookDown is an admission webhook that did not answer: no refusal of these pods
	// (k8s.io/apiserver/pkg/admission/plugin/webhook/errors).
	webhookDown = regexp.MustCompile(`failed calling webhook|Internal error occurred|timed out|connection refused|etcdserver`)
	// overQuota is a quota that is used up, by others perhaps
	// (k8s.io/apiserver/pkg/admission/plugin/resourcequota).
	overQuota = regexp.MustCompile(`exceeded quota|status unknown for quota|insufficient quota`)
	// neverValid is what the same pod will always be refused for here: validation, a LimitRange's
	// bounds, PodSecurity.
	neverValid = regexp.MustCompile(`is invalid|Invalid value|usage per (Container|Pod)|max limit to request ratio|violates PodSecurity|must specify|forbidden: failed quota`)
)

// refusedCreate is the ReplicaSet's failure to create its pods.
func refusedCreate(set *appsv1.ReplicaSet) (signal, bool) {
	for _, c := range set.Status.Conditions {
		if c.Type != appsv1.ReplicaSetReplicaFailure || c.Status != corev1.ConditionTrue || c.Reason != "FailedCreate" {
			continue
		}
		out := signal{
			Failure: Failure{Pod: set.Name, Reason: c.Reason, Message: c.Message},
			class:   medium, kind: refused, since: c.LastTransitionTime.Time, patience: mediumPatience,
			cause: "pods cannot be created: " + c.Message,
		}
		switch {
		case webhookDown.MatchString(c.Message):
			out.class, out.outside = weak, true
		case neverValid.MatchString(c.Message):
			out.class, out.patience = certain, certainPatience
		case overQuota.MatchString(c.Message):
			out.outside = true
		}
		return out, true
	}
	return signal{}, false
}
