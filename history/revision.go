// Package history knows what ran before and which of it was good.
//
// revision.go, retain.go and quarantine.go decide over values; store.go and recorder.go read and write.
package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

// Manager is the field manager under which Reprise writes a workload.
const Manager = "reprise"

// maxChange is how many bytes of a revision's spec its compact diff may take.
const maxChange = 256

// History is one workload's revisions, by number, oldest first.
type History []v1alpha1.Revision

// Sort orders revisions by number.
func Sort(revisions []v1alpha1.Revision) History {
	slices.SortFunc(revisions, func(a, b v1alpha1.Revision) int { return int(a.Spec.Number - b.Spec.Number) })
	return revisions
}

// Newest is the last revision accepted, nil where there is none.
func (h History) Newest() *v1alpha1.Revision {
	if len(h) == 0 {
		return nil
	}
	return &h[len(h)-1]
}

// LastHealthy is the newest revision in phase Healthy, nil where there is none.
func (h History) LastHealthy() *v1alpha1.Revision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Status.Phase == v1alpha1.PhaseHealthy {
			return &h[i]
		}
	}
	return nil
}

// Number finds a revision by its number, nil where there is none.
func (h History) Number(n int64) *v1alpha1.Revision {
	for i := range h {
		if h[i].Spec.Number == n {
			return &h[i]
		}
	}
	return nil
}

// OpenRollback is the revision whose rollback was written ahead and neither completed nor held, nil where
// there is none.
func (h History) OpenRollback() *v1alpha1.Revision {
	for i := len(h) - 1; i >= 0; i-- {
		if Open(h[i].Status) {
			return &h[i]
		}
	}
	return nil
}

// Open says whether a rollback was written ahead and neither completed nor held.
func Open(s v1alpha1.RevisionStatus) bool {
	return s.Rollback != nil && s.Rollback.DoneAt == nil && s.Hold == ""
}

// Next makes the revision that records the Deployment's intent after the revisions that there are. Its
// phase is Progressing, or Healthy where the pod template is that of a healthy predecessor: nothing was
// rolled out. An adopted one starts as Unknown, and its judgement decides.
func (h History) Next(d *appsv1.Deployment, adopted bool, now time.Time) (*v1alpha1.Revision, error) {
	intent := workload.IntentOf(d)
	encoded, err := json.Marshal(intent)
	if err != nil {
		return nil, fmt.Errorf("encoding the intent of %s: %w", d.Name, err)
	}
	owned, err := json.Marshal(d.ManagedFields)
	if err != nil {
		return nil, fmt.Errorf("encoding the managed fields of %s: %w", d.Name, err)
	}
	r := &v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace},
		Spec: v1alpha1.RevisionSpec{
			Number:          1,
			Workload:        v1alpha1.WorkloadReference{Kind: "Deployment", Name: d.Name, UID: d.UID},
			IntentHash:      intent.Hash(),
			TemplateHash:    workload.TemplateHash(&d.Spec.Template),
			Images:          images(d),
			By:              changedBy(d.ManagedFields),
			AcceptedAt:      metav1.NewTime(now),
			ResourceVersion: d.ResourceVersion,
			Intent:          runtime.RawExtension{Raw: encoded},
			ManagedFields:   runtime.RawExtension{Raw: owned},
		},
	}
	r.Status.Phase = v1alpha1.PhaseProgressing
	if previous := h.Newest(); previous != nil {
		if err := h.follow(r, previous, intent); err != nil {
			return nil, err
		}
	}
	r.Name = Name(d.Name, r.Spec.Number)
	r.Status.PhaseSince = &r.Spec.AcceptedAt
	if adopted {
		adopt(r, now)
	}
	return r, nil
}

// follow numbers a revision after its predecessor, says what changed and recognises Reprise's own rollback.
func (h History) follow(r, previous *v1alpha1.Revision, intent workload.Intent) error {
	r.Spec.Number = previous.Spec.Number + 1
	before, err := Intent(previous)
	if err != nil {
		return err
	}
	changes, err := diff.Intents(before, intent)
	if err != nil {
		return fmt.Errorf("comparing with revision %s: %w", previous.Name, err)
	}
	r.Spec.Change = changes.Short(maxChange)
	if previous.Spec.Workload.UID != r.Spec.Workload.UID {
		return nil // Deleted and made again: nothing of it runs yet.
	}
	if previous.Status.Phase == v1alpha1.PhaseHealthy && previous.Spec.TemplateHash == r.Spec.TemplateHash {
		r.Status.Phase = v1alpha1.PhaseHealthy
	}
	if plan := previous.Status.Rollback; plan != nil && previous.Status.Hold == "" && plan.ToIntentHash == r.Spec.IntentHash {
		h.restores(r, previous, plan.To)
	}
	return nil
}

// restores marks a revision as Reprise's own rollback. Who owns which field is taken from the revision that was
// put back: the live entries may be those between the rollback's two writes.
func (h History) restores(r, failed *v1alpha1.Revision, to int64) {
	r.Spec.RollbackOf = failed.Spec.Number
	r.Spec.Restores = to
	r.Spec.By = Manager
	if target := h.Number(to); target != nil {
		r.Spec.ManagedFields = target.Spec.ManagedFields
	}
}

// adopt marks a revision whose deployment was not watched.
func adopt(r *v1alpha1.Revision, now time.Time) {
	r.Status.Phase = v1alpha1.PhaseUnknown
	r.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionAdopted, Status: metav1.ConditionTrue, Reason: "NotWatched",
		Message:            "It was there before Reprise could watch it being deployed; it never triggers a rollback.",
		LastTransitionTime: metav1.NewTime(now),
	}}
}

// Adopted says whether a revision ran before Reprise could watch it being deployed.
func Adopted(r *v1alpha1.Revision) bool {
	for _, condition := range r.Status.Conditions {
		if condition.Type == v1alpha1.ConditionAdopted {
			return condition.Status == metav1.ConditionTrue
		}
	}
	return false
}

// Intent decodes what a revision holds.
func Intent(r *v1alpha1.Revision) (workload.Intent, error) {
	var intent workload.Intent
	if err := json.Unmarshal(r.Spec.Intent.Raw, &intent); err != nil {
		return intent, fmt.Errorf("decoding the intent of revision %s: %w", r.Name, err)
	}
	return intent, nil
}

// ManagedFields decodes which manager owned which field.
func ManagedFields(r *v1alpha1.Revision) ([]metav1.ManagedFieldsEntry, error) {
	var entries []metav1.ManagedFieldsEntry
	if len(r.Spec.ManagedFields.Raw) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(r.Spec.ManagedFields.Raw, &entries); err != nil {
		return nil, fmt.Errorf("decoding the managed fields of revision %s: %w", r.Name, err)
	}
	return entries, nil
}

// Name is a Revision's name: <workload>-<number>, shortened with a hash where that is too long for a name.
func Name(workload string, number int64) string {
	name := fmt.Sprintf("%s-%d", workload, number)
	if len(name) <= 253 {
		return name
	}
	sum := sha256.Sum256([]byte(workload))
	suffix := fmt.Sprintf("-%s-%d", hex.EncodeToString(sum[:5]), number)
	return strings.TrimRight(workload[:253-len(suffix)], "-.") + suffix
}

// images lists what runs as a person would say it: without the registry, and with digests cut short.
func images(d *appsv1.Deployment) string {
	var names []string
	for _, container := range d.Spec.Template.Spec.Containers {
		image := container.Image[strings.LastIndex(container.Image, "/")+1:]
		if at := strings.Index(image, "@sha256:"); at >= 0 {
			image = image[:min(len(image), at+len("@sha256:")+8)]
		}
		names = append(names, image)
	}
	return strings.Join(names, ", ")
}

// changedBy is the manager that wrote the main resource last.
func changedBy(entries []metav1.ManagedFieldsEntry) string {
	var by string
	var last time.Time
	for _, entry := range entries {
		if entry.Subresource != "" || entry.Manager == "kube-controller-manager" || entry.Time == nil {
			continue
		}
		if by == "" || entry.Time.After(last) {
			by, last = entry.Manager, entry.Time.Time
		}
	}
	return by
}
