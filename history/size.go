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
	// maxRevision is how large a revision may be when it is made: its status grows by evidence later.
	maxRevision = etcdRequest - 32<<10
)

// errTooLarge means that a revision does not fit into etcd, even without its files.
var errTooLarge = errors.New("with its snapshot it is too large for etcd")

// fit makes a revision small enough to be stored: where it is too large, it leaves out what its files held, which
// then cannot be put back. Where that is not enough, it returns errTooLarge.
func fit(r *v1alpha1.Revision) error {
	size, err := sizeOf(r)
	if err != nil || size <= maxRevision {
		return err
	}
	for i := range r.Spec.Files {
		r.Spec.Files[i].Content, r.Spec.Files[i].Omitted = nil, true
	}
	if size, err = sizeOf(r); err == nil && size > maxRevision {
		err = fmt.Errorf("revision %s has %d bytes, of which %d are allowed: %w", r.Name, size, maxRevision, errTooLarge)
	}
	return err
}

func sizeOf(r *v1alpha1.Revision) (int, error) {
	encoded, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("encoding revision %s: %w", r.Name, err)
	}
	return len(encoded), nil
}
