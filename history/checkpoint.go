package history

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// checkpointAnnotation holds the resourceVersion up to which every change is recorded.
const checkpointAnnotation = "reprise.dev/recorded-up-to"

// checkpoint is the durable place of the recorder's progress: an annotation of a Lease of its own, beside that
// of the leader's election, so that no further right is needed.
type checkpoint struct {
	leases coordinationclient.LeaseInterface
	name   string
	saved  string
}

// load reads the checkpoint, empty where there is none yet.
func (c *checkpoint) load(ctx context.Context) (string, error) {
	lease, err := c.leases.Get(ctx, c.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the recorder's checkpoint: %w", err)
	}
	return lease.Annotations[checkpointAnnotation], nil
}

// save writes the checkpoint if it has moved.
func (c *checkpoint) save(ctx context.Context, resourceVersion string) error {
	if resourceVersion == "" || resourceVersion == c.saved {
		return nil
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Name: c.name, Annotations: map[string]string{checkpointAnnotation: resourceVersion},
	}}
	_, err := c.leases.Update(ctx, lease, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = c.leases.Create(ctx, lease, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("saving the recorder's checkpoint: %w", err)
	}
	c.saved = resourceVersion
	return nil
}
