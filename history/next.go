package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

const (
	// maxChange is how many bytes of a revision's spec its change summary may take.
	maxChange = 256
	// changeCause is the annotation that `kubectl rollout history` shows.
	changeCause = "kubernetes.io/change-cause"
)

// Predecessors are the full revisions that the next one is built from, nil where there are none.
type Predecessors struct {
	// LastNumber is the number of the last revision that was recorded completely.
	LastNumber int64
	// Newest is the revision before the next one.
	Newest *v1alpha1.WorkloadRevision
	// RollbackTarget is the revision that a rollback of Newest restores.
	RollbackTarget *v1alpha1.WorkloadRevision
}

// Arrival says how an intent reached the recorder.
type Arrival struct {
	// Adoption says why the deployment was not watched; empty for one that was.
	Adoption Adoption
	// Skipped is how many intents directly before this one were not recorded, because of the rate
	// limit.
	Skipped int
}

// Recorded reports whether an intent is the newest revision's or an older one, replayed from a
// checkpoint. Resource versions of one kind are ordered
// (k8s.io/apimachinery/pkg/util/resourceversion). If they cannot be compared, the intent counts as
// new.
func (p Predecessors) Recorded(o Observed) bool {
	if p.Newest == nil {
		return false
	}
	if RecordedIdentity(p.Newest) == o.Identity {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(o.Deployment.ResourceVersion, p.Newest.Spec.ResourceVersion)
	return err == nil && order <= 0
}

// FilesChanged reports whether files differ from the newest revision's while the intent is the
// same.
func (p Predecessors) FilesChanged(o Observed, files *Files) bool {
	return p.Newest != nil && RecordedIdentity(p.Newest) == o.Identity && p.Newest.Spec.FilesDigest != files.Digest()
}

// RollingBack reports whether a rollback of the newest revision is in progress: it writes files
// itself.
func (p Predecessors) RollingBack() bool {
	return p.Newest != nil && p.Newest.IsRollbackOpen()
}

// Next returns the revision that records an observed Deployment, without its status stored
// anywhere. Its phase is Progressing, or Healthy if pod template and files are those of a healthy
// predecessor, since nothing is rolled out then. A restart replaces pods, and is assessed. An
// adopted one starts as Unknown. An error is ErrTooLarge, or says that two revisions cannot be
// compared.
func Next(p Predecessors, o Observed, files *Files, arrival Arrival, now time.Time) (*v1alpha1.WorkloadRevision, error) {
	d := o.Deployment
	contents := Contents{Intent: workload.RawIntentOf(o.Raw), ManagedFields: d.ManagedFields, Files: files.saved}
	r := &v1alpha1.WorkloadRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: Name(d.Name, p.LastNumber+1)},
		Spec: v1alpha1.WorkloadRevisionSpec{
			Number:             p.LastNumber + 1,
			WorkloadRef:        v1alpha1.WorkloadReference{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name, UID: d.UID},
			WorkloadGeneration: d.Generation,
			ChangeScope:        v1alpha1.ChangeInitial,
			IntentHash:         o.IntentHash,
			TemplateHash:       workload.TemplateHash(&d.Spec.Template),
			FilesDigest:        files.Digest(),
			Files:              files.listed,
			Images:             images(d),
			FieldManager:       lastManager(d.ManagedFields),
			DeliveredBy:        deliveredBy(d),
			ChangeCause:        d.Annotations[changeCause],
			AcceptedTime:       metav1.NewTime(now),
			ResourceVersion:    d.ResourceVersion,
			SkippedRevisions:   int64(arrival.Skipped),
		},
	}
	MarkProgressing(&r.Status, now)
	if p.Newest != nil {
		summary, same, err := compare(p.Newest, diff.Revision{Intent: workload.IntentOf(d), Files: ToDiffFiles(files.listed, files.saved)})
		if err != nil {
			return nil, err
		}
		r.Spec.ChangeSummary = summary
		p.relate(r, d, files, same, now)
	}
	if r.Spec.RestoredFrom != 0 {
		contents.ManagedFields = p.restoredOwners(d.ManagedFields)
	}
	if arrival.Adoption != "" && r.Spec.RollbackOf == 0 {
		MarkAdopted(&r.Status, string(arrival.Adoption), arrival.Adoption.message(), now)
	}
	return r, SetSnapshot(r, contents)
}

// sameness says what a deploy has in common with the revision before it.
type sameness struct {
	// pods are the same if no pod is replaced, and spec if the metadata of the Deployment alone
	// differs.
	pods, spec bool
}

// compare returns the change since a revision, and what stayed the same. An unreadable snapshot
// must not keep the next deploy from being recorded: nothing is known to be the same then.
func compare(previous *v1alpha1.WorkloadRevision, after diff.Revision) (summary string, same sameness, err error) {
	before, err := ToDiffRevision(previous)
	if errors.Is(err, ErrSnapshot) {
		return fmt.Sprintf("unknown: the snapshot of #%d cannot be read", previous.Spec.Number), sameness{}, nil
	}
	if err != nil {
		return "", sameness{}, err
	}
	changes, err := diff.Revisions(before, after)
	if err != nil {
		return "", sameness{}, fmt.Errorf("comparing with revision %s: %w", previous.Name, err)
	}
	same = sameness{pods: before.Intent.SamePods(after.Intent), spec: before.Intent.SameSpec(after.Intent)}
	return changes.Short(maxChange), same, nil
}

// relate notes what a revision takes over from its predecessor, and whether it is Reprise's own
// rollback: the plan in the predecessor's status says so. If a newer deploy overtook the rollback,
// or a file has changed since, the field manager decides.
func (p Predecessors) relate(r *v1alpha1.WorkloadRevision, d *appsv1.Deployment, files *Files, same sameness, now time.Time) {
	previous := p.Newest
	if previous.Spec.WorkloadRef.UID != r.Spec.WorkloadRef.UID {
		return // Deleted and created again: nothing of it runs.
	}
	sameTemplate, sameFiles := previous.Spec.TemplateHash == r.Spec.TemplateHash, previous.Spec.FilesDigest == r.Spec.FilesDigest
	switch {
	case sameTemplate && sameFiles && !same.pods:
		r.Spec.ChangeScope = v1alpha1.ChangeRestart
	case !same.pods:
		r.Spec.ChangeScope = v1alpha1.ChangePodTemplate
	case sameFiles:
		r.Spec.ChangeScope = v1alpha1.ChangeOtherFields
	default:
		r.Spec.ChangeScope = v1alpha1.ChangeFilesOnly
		r.Spec.FieldManager = files.lastWriter(previous.Spec.Files)
	}
	if previous.Status.Phase == v1alpha1.PhaseHealthy && same.pods && sameFiles {
		NoteImages(&r.Status, previous.Status.Images)
		MarkHealthy(&r.Status, now)
	}
	goesOn := sameFiles && (previous.AwaitsVerdict() || previous.IsAdopted()) && same.spec
	if goesOn && previous.AwaitsVerdict() {
		r.Spec.AcceptedTime = previous.Spec.AcceptedTime // The same rollout goes on, and so do its deadlines.
	}
	if adopted := previous.Condition(v1alpha1.ConditionAdopted); goesOn && adopted != nil && previous.Status.Phase == v1alpha1.PhaseUnknown {
		MarkAdopted(&r.Status, adopted.Reason, adopted.Message, now) // Its rollout was not watched either.
	}
	plan := previous.Status.Rollback
	if plan == nil || plan.ToIntentHash != r.Spec.IntentHash {
		return
	}
	if slices.ContainsFunc(d.ManagedFields, OwnedByReprise) || previous.RollbackHold() == nil && plan.ToFilesDigest == r.Spec.FilesDigest {
		r.Spec.RollbackOf, r.Spec.RestoredFrom, r.Spec.FieldManager = previous.Spec.Number, plan.ToRevision, FieldManager
	}
}

// restoredOwners returns the managed fields after a rollback: those of the restored revision. The
// live ones may be of the moment between the rollback's two writes.
func (p Predecessors) restoredOwners(live []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	if p.RollbackTarget == nil {
		return live
	}
	contents, err := DecodeSnapshot(p.RollbackTarget)
	if err != nil {
		return live // The rollback could read it, so it was damaged since.
	}
	return contents.ManagedFields
}

// images lists the images of a Deployment for people: without the registry, and with digests cut
// short.
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
