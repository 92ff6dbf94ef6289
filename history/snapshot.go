package history

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

const (
	// encoding is how a snapshot is encoded: Contents as one JSON document, compressed by gzip (RFC
	// 1952).
	encoding = "gzip+json/v1"
	// maxContents is how large that document may be, in bytes. It is far more than etcd accepts,
	// and guards against a small snapshot that decompresses to gigabytes.
	maxContents = 16 << 20
)

// ErrSnapshot means that a revision's snapshot can never be read: it is damaged, or another version
// of Reprise wrote it. The revision's other fields are valid.
var ErrSnapshot = errors.New("its snapshot cannot be read; deploy again to record a new one")

// Contents are the contents of a snapshot.
type Contents struct {
	Intent workload.RawIntent `json:"intent"`
	// ManagedFields are those of the workload.
	ManagedFields []metav1.ManagedFieldsEntry `json:"managedFields,omitempty"`
	// Files are the Score files, by the names of their ConfigMaps.
	Files map[string]SavedFile `json:"files,omitempty"`
}

// SavedFile is one Score file in a snapshot.
type SavedFile struct {
	// Content is nil if it was omitted for its size.
	Content []byte `json:"content,omitempty"`
	// Text says that the ConfigMap stores the content in data, not in binaryData.
	Text bool `json:"text,omitempty"`
	// ManagedFields are those of the ConfigMap.
	ManagedFields []metav1.ManagedFieldsEntry `json:"managedFields,omitempty"`
}

// EncodeSnapshot encodes contents: equal contents to equal bytes. An error is ErrTooLarge if it
// exceeds maxContents.
func EncodeSnapshot(c Contents) (v1alpha1.Snapshot, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c); err != nil {
		return v1alpha1.Snapshot{}, fmt.Errorf("encoding a snapshot: %w", err)
	}
	if plain.Len() > maxContents {
		return v1alpha1.Snapshot{}, fmt.Errorf("a snapshot of %d bytes exceeds the limit of %d bytes: %w", plain.Len(), maxContents, ErrTooLarge)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := plain.WriteTo(w)
	if err := errors.Join(err, w.Close()); err != nil {
		return v1alpha1.Snapshot{}, fmt.Errorf("compressing a snapshot: %w", err)
	}
	data := base64.StdEncoding.EncodeToString(packed.Bytes())
	return v1alpha1.Snapshot{Encoding: encoding, Data: data, SizeBytes: int64(len(data))}, nil
}

// DecodeSnapshot decodes the snapshot of a full revision, and checks its intent against the
// revision's hash. An error is ErrSnapshot.
func DecodeSnapshot(r *v1alpha1.WorkloadRevision) (Contents, error) {
	contents, err := unpack(r.Spec.Snapshot)
	if err != nil {
		return Contents{}, fmt.Errorf("revision %s: %w: %w", r.Name, ErrSnapshot, err)
	}
	intent, err := contents.Intent.Typed()
	if err != nil {
		return Contents{}, fmt.Errorf("revision %s: %w: %w", r.Name, ErrSnapshot, err)
	}
	if hash := intent.Hash(); hash != r.Spec.IntentHash {
		return Contents{}, fmt.Errorf("revision %s: %w: its intent's hash is %s, not %s", r.Name, ErrSnapshot, hash, r.Spec.IntentHash)
	}
	return contents, nil
}

func unpack(s v1alpha1.Snapshot) (Contents, error) {
	if s.Encoding == v1alpha1.Redacted {
		return Contents{}, errors.New("it was redacted")
	}
	if s.Encoding != encoding {
		return Contents{}, fmt.Errorf("it is encoded as %q, and this version of Reprise reads %q", s.Encoding, encoding)
	}
	// The field is a string and not []byte: the API server's CEL decodes the format byte as base64
	// for URLs (k8s.io/kube-openapi/pkg/validation/strfmt, Base64), and rejects every update of a
	// value with a slash.
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(s.Data)))
	if err != nil {
		return Contents{}, fmt.Errorf("decompressing: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxContents+1))
	if err != nil {
		return Contents{}, fmt.Errorf("decompressing: %w", err)
	}
	if len(plain) > maxContents {
		return Contents{}, fmt.Errorf("it exceeds the limit of %d bytes", maxContents)
	}
	var contents Contents
	if err := kjson.UnmarshalCaseSensitivePreserveInts(plain, &contents); err != nil {
		return Contents{}, fmt.Errorf("decoding: %w", err)
	}
	return contents, nil
}

// ToDiffRevision returns the contents of a full revision, ready for a diff. An error is
// ErrSnapshot.
func ToDiffRevision(r *v1alpha1.WorkloadRevision) (diff.Revision, error) {
	contents, err := DecodeSnapshot(r)
	if err != nil {
		return diff.Revision{}, err
	}
	intent, err := contents.Intent.Typed()
	if err != nil {
		return diff.Revision{}, fmt.Errorf("revision %s: %w: %w", r.Name, ErrSnapshot, err)
	}
	return diff.Revision{Intent: intent, Files: ToDiffFiles(r.Spec.Files, contents.Files)}, nil
}
