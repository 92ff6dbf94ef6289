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

// hashVersion names the way of hashing, so that hashes made by another are never taken for equal
// ones.
const hashVersion = "v1:"

// restartedAt is what `kubectl rollout restart` writes into the pod template.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// toolKeys are labels and annotations that tools rewrite without changing what runs.
var toolKeys = []string{
	"app.kubernetes.io/managed-by",
	"app.kubernetes.io/version",
	"argocd.argoproj.io/instance",
	"argocd.argoproj.io/tracking-id",
	"helm.sh/chart",
}

// Hash identifies the intent: equal hashes mean that there is no new revision. kubectl's own memory
// of an apply is left out, since it changes with the formatting of a manifest.
func (i Intent) Hash() string {
	spec := i.Spec // A shallow copy: only the template's annotations are replaced in it.
	spec.Template.Annotations = without(spec.Template.Annotations, IsReservedKey)
	return digest(Intent{
		Labels:      i.Labels,
		Annotations: without(i.Annotations, func(key string) bool { return key == LastApplied }),
		Spec:        spec,
	})
}

// IsToolKey says whether a label or an annotation is one that tools rewrite without changing what
// runs.
func IsToolKey(key string) bool { return slices.Contains(toolKeys, key) }

// TemplateHash identifies what makes pods differ as far as admission can see it: the pod template
// without Reprise's annotations, the time of a restart and what tools write.
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

// digest hashes the JSON of a value; encoding/json writes map keys in order, and API types hold no
// type that cannot be marshalled.
func digest(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("an API type that cannot be marshalled: %v", err))
	}
	sum := sha256.Sum256(encoded)
	return hashVersion + hex.EncodeToString(sum[:16])
}
