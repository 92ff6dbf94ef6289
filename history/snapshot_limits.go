package history

import (
	"encoding/json"
	"errors"
	"fmt"

	"reprise.dev/reprise/api/v1alpha1"
)

const (
	// etcdRequest is the largest request that etcd takes by default, in bytes (etcd, --max-request-bytes). The API
	// server passes its refusal on without a reason that a client could tell apart, so it must not come to it.
	etcdRequest = 3 << 19
	// maxRevision is how large a revision may be when it is made: its status grows later, mostly by
	// evidence.
	maxRevision = etcdRequest - 2*maxEvidenceBytes
)

// ErrTooLarge means that a revision does not fit into etcd, even without its files.
var ErrTooLarge = errors.New("with its snapshot it is too large for etcd")

// SetSnapshot gives a revision its snapshot. Where that makes it too large, it leaves out what its files held, which then cannot
// be put back. Where that is not enough, it returns errTooLarge.
func SetSnapshot(r *v1alpha1.WorkloadRevision, contents Contents) error {
	err := encodeSnapshot(r, contents)
	if !errors.Is(err, ErrTooLarge) {
		return err
	}
	kept := make(map[string]KeptFile, len(contents.Files))
	for name, file := range contents.Files {
		kept[name] = KeptFile{Text: file.Text, ManagedFields: file.ManagedFields}
	}
	contents.Files = kept
	for i := range r.Spec.Files {
		if r.Spec.Files[i].State != v1alpha1.FileMissing {
			r.Spec.Files[i].State = v1alpha1.FileTooLarge
		}
	}
	return encodeSnapshot(r, contents)
}

// encodeSnapshot writes a snapshot into a revision, if they fit into etcd.
func encodeSnapshot(r *v1alpha1.WorkloadRevision, contents Contents) error {
	snapshot, err := EncodeSnapshot(contents)
	if err != nil {
		return err
	}
	r.Spec.Snapshot = snapshot
	encoded, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding revision %s: %w", r.Name, err)
	}
	if len(encoded) > maxRevision {
		return fmt.Errorf("revision %s has %d bytes, of which %d are allowed: %w", r.Name, len(encoded), maxRevision, ErrTooLarge)
	}
	return nil
}
