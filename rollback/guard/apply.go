package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/apierror"
	"reprise.dev/reprise/rollback"
	"reprise.dev/reprise/workload"
)

// errOvertaken means that another deploy arrived meanwhile: it wins, and the rollback is given up.
var errOvertaken = errors.New("a newer deploy arrived and wins")

// errPaused means that the rollout is paused: the failed pods would stay, whatever is restored.
var errPaused = errors.New(rollback.RolloutPaused)

// applier restores a revision by two writes, neither of which conflicts with the next apply of
// whoever deployed: the whole intent in one update, then the ownership of its fields in one patch.
// Both in one write would leave Reprise as an owner. The resourceVersion that was read makes a
// deploy that arrives meanwhile win.
type applier struct {
	client client.Client
	live   client.Reader
}

// restore brings the workload from the failed revision's intent to the target's. It may be
// repeated: it goes on from whatever it finds. It returns errOvertaken if it finds a third intent,
// and errPaused if somebody paused the rollout before the intent was restored.
func (a applier) restore(ctx context.Context, failed, target *v1alpha1.WorkloadRevision) error {
	saved, err := history.DecodeSnapshot(target)
	if err != nil {
		return err
	}
	d, hash, err := a.read(ctx, failed)
	if err != nil {
		return err
	}
	if hash != failed.Spec.IntentHash && hash != target.Spec.IntentHash {
		return errOvertaken
	}
	// The intent comes last: once it is there, a file that is another was written since, and is
	// left to who wrote it.
	restored := intentRestored(hash, failed, target.Spec.IntentHash)
	if !restored && isPaused(d) {
		return errPaused
	}
	if err := a.restoreFiles(ctx, failed, target, saved.Files); err != nil && (!restored || !errors.Is(err, errOvertaken)) {
		return err
	}
	if hash != target.Spec.IntentHash {
		saved.Intent.Onto(d)
		if err := a.client.Update(ctx, d, client.FieldOwner(history.FieldManager)); err != nil {
			return fmt.Errorf("restoring the intent of revision %s: %w", target.Name, err)
		}
	}
	if hash, err = intentHash(d); err != nil {
		return err
	}
	if hash != target.Spec.IntentHash {
		return errOvertaken
	}
	return a.restoreOwnership(ctx, failed, target, d, saved.ManagedFields)
}

// restoreOwnership writes the ownership onto the restored workload, and makes sure that what is
// stored then is still the target's intent. The deployment controller answers the restored intent
// with its status at once, which is no newer deploy.
func (a applier) restoreOwnership(ctx context.Context, failed, target *v1alpha1.WorkloadRevision, d *unstructured.Unstructured, saved []metav1.ManagedFieldsEntry) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		conflict := a.writeOwnership(ctx, d, saved)
		if conflict != nil && !apierrors.IsConflict(conflict) {
			return conflict
		}
		var hash string
		var err error
		if conflict != nil {
			d, hash, err = a.read(ctx, failed)
		} else {
			hash, err = intentHash(d) // The API server's answer is what it stored.
		}
		if err != nil {
			return err
		}
		if hash != target.Spec.IntentHash {
			return errOvertaken
		}
		return conflict
	})
}

// progress reports whether the target's intent is stored already. It returns errOvertaken if a
// newer deploy has begun, and errPaused if the rollout was paused.
func (a applier) progress(ctx context.Context, x execution) (written bool, err error) {
	if x.newest.Spec.Number > x.failed.Spec.Number && x.newest.Spec.RollbackOf != x.failed.Spec.Number {
		return false, errOvertaken
	}
	d, hash, err := a.read(ctx, x.failed)
	if err != nil {
		return false, err
	}
	switch {
	case intentRestored(hash, x.failed, x.target.Spec.IntentHash):
		return true, nil
	case isPaused(d):
		return false, errPaused
	case hash == x.failed.Spec.IntentHash:
		_, err = a.readFiles(ctx, x.failed, x.target)
		return false, err
	default:
		return false, errOvertaken
	}
}

// intentRestored reports whether the stored intent, by its hash, is the target's already. It does
// not say so of a rollback of files alone, whose two revisions have one intent.
func intentRestored(hash string, failed *v1alpha1.WorkloadRevision, targetHash string) bool {
	return hash == targetHash && hash != failed.Spec.IntentHash
}

// releaseOwnership removes Reprise's field manager from everything that a rollback wrote before it
// was given up. Otherwise the next server-side apply conflicts. The fields belong to nobody then,
// except those of a restored file, which get their saved owners. If the target is gone, nil, or
// damaged, those are the owners that the failed revision's file had. An object that cannot be
// released keeps none of the others from it.
func (a applier) releaseOwnership(ctx context.Context, failed, target *v1alpha1.WorkloadRevision) error {
	saved := map[string]history.SavedFile{}
	for _, r := range []*v1alpha1.WorkloadRevision{failed, target} {
		if r == nil {
			continue
		}
		if contents, err := history.DecodeSnapshot(r); err == nil {
			maps.Copy(saved, contents.Files)
		}
	}
	files := failed.Spec.Files
	if target != nil {
		files = rollback.RestorableFiles(target.Spec.Files)
	}
	errs := []error{a.releaseWorkload(ctx, failed)}
	for _, f := range files {
		errs = append(errs, a.releaseFile(ctx, failed.Namespace, f, saved))
	}
	return errors.Join(errs...)
}

// releaseWorkload removes Reprise's field manager from the workload, if it is still there.
func (a applier) releaseWorkload(ctx context.Context, failed *v1alpha1.WorkloadRevision) error {
	d, _, err := a.read(ctx, failed)
	if apierrors.IsNotFound(err) || errors.Is(err, errOvertaken) {
		return nil
	}
	if err != nil {
		return err
	}
	return client.IgnoreNotFound(a.writeOwnership(ctx, d, d.GetManagedFields()))
}

// releaseFile removes Reprise's field manager from a file, if it is still there. A file that is
// restored, or that Reprise alone owns, gets its saved owners, if they are known. To an object
// without owners the API server gives one at the next server-side apply, which conflicts with it.
func (a applier) releaseFile(ctx context.Context, namespace string, f v1alpha1.RevisionFile, saved map[string]history.SavedFile) error {
	live, err := store.ConfigMap(ctx, a.live, client.ObjectKey{Namespace: namespace, Name: f.ConfigMapName})
	if err != nil {
		return err
	}
	if live == nil {
		return nil
	}
	owners := live.ManagedFields
	others := slices.ContainsFunc(owners, func(e metav1.ManagedFieldsEntry) bool { return !history.OwnedByReprise(e) })
	if file, known := saved[f.ConfigMapName]; known && (history.SameContent(f, live) || !others) {
		owners = file.ManagedFields
	}
	return client.IgnoreNotFound(a.writeOwnership(ctx, live, owners))
}

// read reads the workload as the API server has it, since a type would drop what is newer than it
// is, and the hash of its intent.
func (a applier) read(ctx context.Context, failed *v1alpha1.WorkloadRevision) (*unstructured.Unstructured, string, error) {
	d := &unstructured.Unstructured{}
	d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	key := client.ObjectKey{Namespace: failed.Namespace, Name: failed.Spec.WorkloadRef.Name}
	if err := a.live.Get(ctx, key, d); err != nil {
		return nil, "", fmt.Errorf("reading %s before its rollback: %w", key.Name, err)
	}
	if d.GetUID() != failed.Spec.WorkloadRef.UID {
		return nil, "", errOvertaken
	}
	hash, err := intentHash(d)
	return d, hash, err
}

func isPaused(d *unstructured.Unstructured) bool {
	paused, _, _ := unstructured.NestedBool(d.Object, "spec", "paused")
	return paused
}

func intentHash(d *unstructured.Unstructured) (string, error) {
	intent, err := workload.RawIntentOf(d).Typed()
	if err != nil {
		return "", fmt.Errorf("reading Deployment %s: %w", d.GetName(), err)
	}
	return intent.Hash(), nil
}

// rejection asks the API server whether it would accept every write of a rollback now, and returns
// why not, empty if it would.
func (a applier) rejection(ctx context.Context, failed, target *v1alpha1.WorkloadRevision, saved history.Contents) (string, error) {
	dry := applier{client: client.NewDryRunClient(a.client), live: a.live}
	stored, err := a.readFiles(ctx, failed, target)
	if err != nil {
		return "", err
	}
	for i, f := range rollback.RestorableFiles(target.Spec.Files) {
		_, err := dry.writeFile(ctx, target.Namespace, stored[i], f, saved.Files[f.ConfigMapName])
		if apierror.IsRejected(err) {
			return fmt.Sprintf("the API server rejects file %s of #%d: %v", f.ConfigMapName, target.Spec.Number, err), nil
		}
		if err != nil {
			return "", fmt.Errorf("checking whether file %s can be restored: %w", f.ConfigMapName, err)
		}
	}
	d, _, err := a.read(ctx, failed)
	if err != nil {
		return "", err
	}
	saved.Intent.Onto(d)
	err = dry.client.Update(ctx, d, client.FieldOwner(history.FieldManager))
	if apierror.IsRejected(err) {
		return fmt.Sprintf("the API server rejects #%d: %v", target.Spec.Number, err), nil
	}
	return "", err
}

// writeOwnership performs the second write: the saved managers own their fields again, controllers
// and subresources keep what they own now, and Reprise owns nothing. Where Reprise owns nothing
// already, a run that was interrupted had done it.
func (a applier) writeOwnership(ctx context.Context, object client.Object, saved []metav1.ManagedFieldsEntry) error {
	live := object.GetManagedFields()
	if !slices.ContainsFunc(live, history.OwnedByReprise) {
		return nil
	}
	owners := rollback.RestoredOwnership(saved, live)
	if len(owners) == 0 {
		// The API server ignores an empty list: one empty entry removes all (kubernetes.io/docs,
		// Server-Side Apply, "Clearing managedFields").
		owners = []metav1.ManagedFieldsEntry{{}}
	}
	patch, err := json.Marshal([]map[string]any{
		// A test would be rejected as invalid; a resourceVersion that is sent and is old is a
		// conflict.
		{"op": "replace", "path": "/metadata/resourceVersion", "value": object.GetResourceVersion()},
		{"op": "replace", "path": "/metadata/managedFields", "value": owners},
	})
	if err != nil {
		return fmt.Errorf("encoding the managed fields of %s: %w", object.GetName(), err)
	}
	if err := a.client.Patch(ctx, object, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(history.FieldManager)); err != nil {
		return fmt.Errorf("restoring the field ownership of %s: %w", object.GetName(), err)
	}
	return nil
}
