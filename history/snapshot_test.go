package history

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

// revisionOf is a revision whose snapshot holds a pod template with one image.
func revisionOf(t *testing.T, image string) *v1alpha1.WorkloadRevision {
	t.Helper()
	raw := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"template": map[string]any{
		"spec": map[string]any{"containers": []any{map[string]any{"name": "main", "image": image}}},
	}}}}
	intent := workload.RawIntentOf(raw)
	typed, err := intent.Typed()
	if err != nil {
		t.Fatal(err)
	}
	r := &v1alpha1.WorkloadRevision{Spec: v1alpha1.WorkloadRevisionSpec{Number: 1, IntentHash: typed.Hash()}}
	if err := SetSnapshot(r, Contents{Intent: intent}); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEncodeSnapshot_EqualContentsGiveEqualBytes(t *testing.T) {
	first, second := revisionOf(t, "x:1"), revisionOf(t, "x:1")
	if first.Spec.Snapshot.Data != second.Spec.Snapshot.Data {
		t.Error("the bytes differ")
	}
}

func TestDecodeSnapshot(t *testing.T) {
	good := revisionOf(t, "x:1")
	for name, tt := range map[string]struct {
		reason string
		change func(*v1alpha1.WorkloadRevision)
	}{
		"Unknown":   {"another version wrote it", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot.Encoding = "zstd+cbor/v2" }},
		"Trimmed":   {"a cache's revision is not whole", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot.Data = "" }},
		"Cut":       {"half of it is missing", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot.Data = r.Spec.Snapshot.Data[:50] }},
		"Plain":     {"it is no gzip", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot.Data = "eyJpbnRlbnQiOnt9fQ==" }},
		"OtherHash": {"it holds another intent than was recorded", func(r *v1alpha1.WorkloadRevision) { r.Spec.IntentHash = "v1:0" }},
		"Bomb": {"it is small and decompresses to much", func(r *v1alpha1.WorkloadRevision) {
			r.Spec.Snapshot.Data = gzipped(t, `{"x":"`+strings.Repeat(" ", maxContents)+`"}`)
		}},
		"NoObject": {"it holds something else", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot.Data = gzipped(t, `[1]`) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := good.DeepCopy()
			tt.change(r)
			if _, err := DecodeSnapshot(r); !errors.Is(err, ErrSnapshot) {
				t.Errorf("%s: %v", tt.reason, err)
			}
		})
	}
}

func gzipped(t *testing.T, plain string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes())
}

func TestSetSnapshot(t *testing.T) {
	const seed = 1
	random := rand.NewChaCha8([32]byte{seed})
	with := func(intent, file int) (*v1alpha1.WorkloadRevision, Contents) {
		noise := make([]byte, intent+file) // What is random cannot be compressed.
		if _, err := random.Read(noise); err != nil {
			t.Fatal(err)
		}
		r := &v1alpha1.WorkloadRevision{}
		r.Spec.Files = []v1alpha1.RevisionFile{{ConfigMapName: "f", State: v1alpha1.FileKept}, {ConfigMapName: "none", State: v1alpha1.FileMissing}}
		return r, Contents{
			Intent: workload.RawIntent{Spec: map[string]any{"x": noise[:intent]}},
			Files:  map[string]SavedFile{"f": {Content: noise[intent:]}},
		}
	}
	small, contents := with(1000, 1000)
	if err := SetSnapshot(small, contents); err != nil || small.Spec.Files[0].State != v1alpha1.FileKept {
		t.Errorf("small: %v, %s", err, small.Spec.Files[0].State)
	}
	large, contents := with(700_000, 600_000)
	if err := SetSnapshot(large, contents); err != nil || large.Spec.Files[0].State != v1alpha1.FileTooLarge || large.Spec.Files[1].State != v1alpha1.FileMissing {
		t.Errorf("large files: %v, %+v", err, large.Spec.Files)
	}
	if kept, err := unpack(large.Spec.Snapshot); err != nil || kept.Files["f"].Content != nil || len(contents.Files["f"].Content) == 0 {
		t.Errorf("large files: %v, %d bytes are kept", err, len(kept.Files["f"].Content))
	}
	tooLarge, contents := with(maxRevision, 0)
	if err := SetSnapshot(tooLarge, contents); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large intent: %v", err)
	}
	bomb := Contents{Intent: workload.RawIntent{Spec: map[string]any{"x": strings.Repeat("x", maxContents)}}}
	if err := SetSnapshot(&v1alpha1.WorkloadRevision{}, bomb); !errors.Is(err, ErrTooLarge) {
		t.Errorf("what could not be read again: %v", err)
	}
}
