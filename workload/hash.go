package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// hashVersion names the hash function. Hashes of two versions never compare equal.
const hashVersion = "v1:"

// restartedAt is the annotation that `kubectl rollout restart` writes into the pod template.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// Hash identifies the intent: a deploy with the same hash is no new revision. It leaves out the
// annotations in which deployers store what they applied: they change with the formatting of a
// manifest. Every key of the pod template counts, since each change of one replaces pods.
func (i Intent) Hash() string {
	return digest(Intent{Labels: i.Labels, Annotations: without(i.Annotations, isAppliedKey), Spec: i.Spec})
}

// SameSpec reports whether two intents have the same spec: they differ in the metadata of the
// Deployment alone, if at all, and the rollout of one is that of the other.
func (i Intent) SameSpec(as Intent) bool { return digest(i.Spec) == digest(as.Spec) }

// SamePods reports whether two intents have the same pod template, so that the deployment
// controller replaces no pod for the difference.
func (i Intent) SamePods(as Intent) bool { return digest(i.Spec.Template) == digest(as.Spec.Template) }

// TemplateHash identifies what makes pods differ, as far as admission sees it. It leaves out
// Reprise's annotations, the time of a restart or of a run, and what tools write.
func TemplateHash(template *corev1.PodTemplateSpec) string {
	relevant := func(all map[string]string) map[string]string {
		return without(all, func(key string) bool {
			return strings.HasPrefix(key, v1alpha1.Prefix) || isStamp(key, all[key]) || IsToolKey(key)
		})
	}
	return digest(struct {
		Labels      map[string]string `json:"labels,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
		Spec        corev1.PodSpec    `json:"spec"`
	}{
		Labels:      relevant(template.Labels),
		Annotations: relevant(template.Annotations),
		Spec:        template.Spec,
	})
}

// digest returns a hash of the JSON of a value. encoding/json writes map keys in order, and every
// API type can be marshalled.
func digest(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("marshalling an API type: %v", err))
	}
	sum := sha256.Sum256(encoded)
	return hashVersion + hex.EncodeToString(sum[:16])
}
