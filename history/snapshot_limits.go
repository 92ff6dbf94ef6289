package history

import (
	"encoding/json"
	"errors"
	"fmt"

	"reprise.dev/reprise/api/v1alpha1"
)

const (
	// etcdRequest is the largest request that etcd accepts by default, in bytes (etcd,
	// --max-request-bytes). The API server returns etcd's error without a reason that a client
	// could recognise, so Reprise checks the size itself.
	etcdRequest = 3 << 19
	// maxRevision is how large a new revision may be, in bytes: evidence makes its status grow
	// later.
	maxRevision = etcdRequest - 2*maxEvidenceBytes
)

// ErrTooLarge means that a revision does not fit into etcd, even without its files.
var ErrTooLarge = errors.New("the revision with its snapshot is too large for etcd")

// SetSnapshot sets a revision's snapshot. If the revision is too large then, it omits the contents
// of the files, which a rollback then cannot restore. If it is still too large, it returns
// ErrTooLarge.
func SetSnapshot(r *v1alpha1.WorkloadRevision, contents Contents) error {
	err := encodeSnapshot(r, contents)
	if !errors.Is(err, ErrTooLarge) {
		return err
	}
	withoutContent := make(map[string]SavedFile, len(contents.Files))
	for name, file := range contents.Files {
		withoutContent[name] = SavedFile{Text: file.Text, ManagedFields: file.ManagedFields}
	}
	contents.Files = withoutContent
	for i := range r.Spec.Files {
		if state := r.Spec.Files[i].State; state != v1alpha1.FileMissing && state != v1alpha1.FileForeign {
			r.Spec.Files[i].State = v1alpha1.FileTooLarge
		}
	}
	return encodeSnapshot(r, contents)
}

// encodeSnapshot sets a revision's snapshot, and returns ErrTooLarge if the revision does not fit
// into etcd.
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
		return fmt.Errorf("revision %s of %d bytes exceeds the limit of %d bytes: %w", r.Name, len(encoded), maxRevision, ErrTooLarge)
	}
	return nil
}
