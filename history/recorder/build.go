package recorder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// maxChange is how many bytes of a revision's spec its compact diff may take.
const maxChange = 256

// predecessors are the whole revisions that the next one is made from, nil where there are none.
type predecessors struct {
	// last is the number of the last revision that was recorded whole.
	last int64
	// newest is the revision before.
	newest *v1alpha1.WorkloadRevision
	// target is the revision that a rollback of newest puts back.
	target *v1alpha1.WorkloadRevision
	// files are Score's files that it runs with.
	files *files
}

// newRevision makes the revision that records a capture. Its phase is Progressing, or Healthy where its pod template and
// files are those of a healthy predecessor, since nothing is rolled out then. An adopted one starts as Unknown, and its
// judgement decides.
func (p predecessors) newRevision(c observedIntent, now time.Time) (*v1alpha1.WorkloadRevision, error) {
	d := c.deployment
	intent := workload.IntentOf(d)
	contents := history.Contents{Intent: workload.RawIntentOf(c.raw), ManagedFields: d.ManagedFields, Files: p.files.kept}
	r := &v1alpha1.WorkloadRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace},
		Spec: v1alpha1.WorkloadRevisionSpec{
			Number:             p.last + 1,
			WorkloadRef:        v1alpha1.WorkloadReference{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name, UID: d.UID},
			WorkloadGeneration: d.Generation,
			IntentHash:         intent.Hash(),
			TemplateHash:       workload.TemplateHash(&d.Spec.Template),
			FilesDigest:        history.FilesDigest(p.files.listed),
			Files:              p.files.listed,
			Images:             images(d),
			FieldManager:       changedBy(d.ManagedFields),
			DeliveredBy:        origin(d),
			ChangeCause:        d.Annotations[changeCause],
			AcceptedTime:       metav1.NewTime(now),
			ResourceVersion:    d.ResourceVersion,
			SkippedRevisions:   int64(c.skipped),
			ChangeScope:        v1alpha1.ChangeInitial,
		},
	}
	history.MarkProgressing(&r.Status, now)
	if p.newest != nil {
		if err := p.compareWithPrevious(r, diff.Revision{Intent: intent, Files: history.ToDiffFiles(p.files.listed, p.files.kept)}, own(d.ManagedFields), now); err != nil {
			return nil, err
		}
		if r.Spec.RestoredFrom != 0 {
			contents.ManagedFields = p.owners(contents.ManagedFields)
		}
	}
	r.Name = history.Name(d.Name, r.Spec.Number)
	if c.adopted != "" && r.Spec.RollbackOf == 0 {
		adopt(r, c.adopted, now)
	}
	return r, history.SetSnapshot(r, contents)
}

// compareWithPrevious says what changed against the predecessor and recognises Reprise's own rollback: by what was written ahead. Where
// a newer deploy came after it, and it was given up or a file is another by now, who wrote it says so.
func (p predecessors) compareWithPrevious(r *v1alpha1.WorkloadRevision, snapshot diff.Revision, own bool, now time.Time) error {
	previous := p.newest
	change, err := changeSince(previous, snapshot)
	if err != nil {
		return err
	}
	r.Spec.ChangeSummary = change
	if previous.Spec.WorkloadRef.UID != r.Spec.WorkloadRef.UID {
		return nil // Deleted and made again: nothing of it runs yet.
	}
	sameTemplate, sameFiles := previous.Spec.TemplateHash == r.Spec.TemplateHash, previous.Spec.FilesDigest == r.Spec.FilesDigest
	switch {
	case !sameTemplate:
		r.Spec.ChangeScope = v1alpha1.ChangePodTemplate
	case sameFiles:
		r.Spec.ChangeScope = v1alpha1.ChangeOtherFields
	default:
		r.Spec.ChangeScope = v1alpha1.ChangeFilesOnly
		r.Spec.FieldManager = p.files.writer(previous.Spec.Files)
	}
	if previous.Status.Phase == v1alpha1.PhaseHealthy && sameTemplate && sameFiles {
		history.MarkHealthy(&r.Status, now)
	}
	if plan := previous.Status.Rollback; plan != nil && plan.ToIntentHash == r.Spec.IntentHash &&
		(own || previous.RollbackHold() == nil && plan.ToFilesDigest == r.Spec.FilesDigest) {
		p.restore(r, plan.ToRevision)
	}
	return nil
}

// own says whether Reprise wrote a Deployment and has not handed its fields over yet.
func own(entries []metav1.ManagedFieldsEntry) bool {
	return slices.ContainsFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == history.FieldManager && e.Subresource == ""
	})
}

// changeSince says in short what changed. What cannot be read any more must not keep the next deploy from being recorded.
func changeSince(previous *v1alpha1.WorkloadRevision, snapshot diff.Revision) (string, error) {
	before, err := history.ToDiffRevision(previous)
	if errors.Is(err, history.ErrSnapshot) {
		return fmt.Sprintf("cannot be told: the snapshot of #%d cannot be read", previous.Spec.Number), nil
	}
	if err != nil {
		return "", err
	}
	changes, err := diff.Revisions(before, snapshot)
	if err != nil {
		return "", fmt.Errorf("comparing with revision %s: %w", previous.Name, err)
	}
	return changes.Short(maxChange), nil
}

// restore marks a revision as Reprise's own rollback.
func (p predecessors) restore(r *v1alpha1.WorkloadRevision, to int64) {
	r.Spec.RollbackOf = p.newest.Spec.Number
	r.Spec.RestoredFrom = to
	r.Spec.FieldManager = history.FieldManager
}

// owners say who owns which field after a rollback: what the revision says that was put back, since the live entries
// may be those between the rollback's two writes.
func (p predecessors) owners(live []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	if p.target == nil {
		return live
	}
	contents, err := history.DecodeSnapshot(p.target)
	if err != nil {
		return live // A rollback put it back, so it could be read then.
	}
	return contents.ManagedFields
}

// adopt marks a revision whose deployment was not watched.
func adopt(r *v1alpha1.WorkloadRevision, reason string, now time.Time) {
	message := "It was there before Reprise could watch it being deployed; it never triggers a rollback."
	if reason == v1alpha1.ReasonWatchGap {
		message = "Changes before it may be missing: the API server could not replay them. It never triggers a rollback."
	}
	history.MarkAdopted(&r.Status, reason, message, now)
}

// changeCause is the annotation that `kubectl rollout history` shows.
const changeCause = "kubernetes.io/change-cause"

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
