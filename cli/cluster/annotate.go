package cluster

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// fieldManager is the field manager of what people request.
const fieldManager = "kubectl-reprise"

// attempts is how often Annotate tries while others write the Deployment.
const attempts = 10

// errDeployed means that another deploy came before the annotation.
var errDeployed = errors.New("another deploy arrived in the meantime; look at it and try again")

// Annotate sets an annotation of the workload's Deployment, or removes it where the value is empty.
// It writes only onto the intent that was read, so that nothing is requested for a deploy that the
// caller has not seen.
func Annotate(ctx context.Context, api client.Client, w story.Workload, key, value string) error {
	read := workload.IntentOf(w.Deployment).Hash()
	d := w.Deployment.DeepCopy()
	for range attempts {
		base := d.DeepCopy()
		if d.Annotations == nil {
			d.Annotations = map[string]string{}
		}
		if d.Annotations[key] = value; value == "" {
			delete(d.Annotations, key)
		}
		err := api.Patch(ctx, d, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), client.FieldOwner(fieldManager))
		switch {
		case err == nil:
			return nil
		case apierrors.IsForbidden(err):
			return fmt.Errorf("you may not patch deployment/%s, which a request takes: %w", w.Name, err)
		case !apierrors.IsConflict(err):
			return Explain(err, w.Namespace)
		}
		if err := api.Get(ctx, client.ObjectKeyFromObject(w.Deployment), d); err != nil {
			return Explain(err, w.Namespace)
		}
		if workload.IntentOf(d).Hash() != read {
			return errDeployed
		}
	}
	return fmt.Errorf("annotating deployment/%s: others wrote it %d times in the meantime; try again", w.Name, attempts)
}
