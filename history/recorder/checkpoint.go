package recorder

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// checkpoint stores the recorder's progress in an annotation of its own Lease, beside that of the
// leader election: this needs no further permission.
type checkpoint struct {
	leases coordinationclient.LeaseInterface
	name   string
	// lease is as it was last read or written, nil if there is none.
	lease *coordinationv1.Lease
}

// load reads the checkpoint, and returns an empty one if there is none.
func (c *checkpoint) load(ctx context.Context) (string, error) {
	lease, err := c.leases.Get(ctx, c.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		c.lease = nil
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the recorder's checkpoint: %w", err)
	}
	c.lease = lease
	return lease.Annotations[v1alpha1.CheckpointAnnotation], nil
}

// save writes the checkpoint if it has changed. If another process wrote it in the meantime, save
// reads it again and leaves the write to the next call.
func (c *checkpoint) save(ctx context.Context, resourceVersion string) error {
	if resourceVersion == "" || c.lease != nil && c.lease.Annotations[v1alpha1.CheckpointAnnotation] == resourceVersion {
		return nil
	}
	marks := map[string]string{v1alpha1.CheckpointAnnotation: resourceVersion}
	var stored *coordinationv1.Lease
	var err error
	if c.lease == nil {
		stored, err = c.leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: c.name, Annotations: marks}}, metav1.CreateOptions{})
	} else {
		lease := c.lease.DeepCopy()
		lease.Annotations = marks
		stored, err = c.leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) {
		_, err = c.load(ctx)
		return err
	}
	if err != nil {
		return fmt.Errorf("saving the recorder's checkpoint: %w", err)
	}
	c.lease = stored
	return nil
}
