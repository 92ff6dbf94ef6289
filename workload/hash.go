package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// hashVersion names the hash function. Hashes of two versions never compare equal.
const hashVersion = "v1:"

// restartedAt is the annotation that `kubectl rollout restart` writes into the pod template.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// toolKeys are labels and annotations that tools rewrite without a change of what runs.
var toolKeys = []string{
	"app.kubernetes.io/managed-by",
	"app.kubernetes.io/version",
	"argocd.argoproj.io/instance",
	"argocd.argoproj.io/tracking-id",
	"helm.sh/chart",
}

// Hash identifies the intent: a deploy with the same hash is no new revision. It leaves out
// kubectl's last-applied annotation, which changes with the formatting of a manifest.
func (i Intent) Hash() string {
	spec := i.Spec // A shallow copy: only the template's annotations are replaced in it.
	spec.Template.Annotations = without(spec.Template.Annotations, IsReservedKey)
	return digest(Intent{
		Labels:      i.Labels,
		Annotations: without(i.Annotations, func(key string) bool { return key == LastApplied }),
		Spec:        spec,
	})
}

// IsToolKey reports whether tools rewrite a label or an annotation without a change of what runs.
func IsToolKey(key string) bool { return slices.Contains(toolKeys, key) }

// TemplateHash identifies what makes pods differ, as far as admission sees it. It leaves out
// Reprise's annotations, the time of a restart and what tools write.
func TemplateHash(template *corev1.PodTemplateSpec) string {
	ignored := func(key string) bool {
		return strings.HasPrefix(key, v1alpha1.Prefix) || key == restartedAt || IsToolKey(key)
	}
	return digest(struct {
		Labels      map[string]string `json:"labels,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
		Spec        corev1.PodSpec    `json:"spec"`
	}{
		Labels:      without(template.Labels, ignored),
		Annotations: without(template.Annotations, ignored),
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
