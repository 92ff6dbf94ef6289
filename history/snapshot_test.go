package history

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

func TestASnapshotKeepsWhatTheTypesDoNotKnow(t *testing.T) {
	stored := captureOf(t, deployment("x:1")).raw
	containers, _, err := unstructured.NestedSlice(stored.Object, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	containers[0].(map[string]any)["madeUp"] = map[string]any{"large": int64(1<<62 + 1), "html": "<&>"}
	if err := unstructured.SetNestedSlice(stored.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		t.Fatal(err)
	}
	var c capture
	f := feed{
		sights: sights{}, ledger: &ledger{}, wanted: func(string) bool { return true },
		push: func(pushed capture) { c = pushed },
	}
	f.offer(t.Context(), stored, "")
	r, err := predecessors{files: newFiles()}.next(c, now)
	if err != nil {
		t.Fatal(err)
	}
	contents, err := Open(r)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(workload.RawIntentOf(stored), contents.Intent); d != "" {
		t.Errorf("(-stored +kept)\n%s", d)
	}
}

func TestEqualContentsGiveEqualBytes(t *testing.T) {
	first, second := record(t, nil, deployment("x:1")), record(t, nil, deployment("x:1"))
	if first[0].Spec.Snapshot.Data != second[0].Spec.Snapshot.Data {
		t.Error("the bytes differ")
	}
}

func TestASnapshotThatCannotBeTrustedIsNotRead(t *testing.T) {
	good := record(t, nil, deployment("x:1"))[0]
	for name, tt := range map[string]struct {
		reason string
		change func(*v1alpha1.Revision)
	}{
		"Unknown":   {"another version wrote it", func(r *v1alpha1.Revision) { r.Spec.Snapshot.Encoding = "zstd+cbor/v2" }},
		"Trimmed":   {"a cache's revision is not whole", func(r *v1alpha1.Revision) { r.Spec.Snapshot.Data = "" }},
		"Cut":       {"half of it is missing", func(r *v1alpha1.Revision) { r.Spec.Snapshot.Data = r.Spec.Snapshot.Data[:50] }},
		"Plain":     {"it is no gzip", func(r *v1alpha1.Revision) { r.Spec.Snapshot.Data = "eyJpbnRlbnQiOnt9fQ==" }},
		"OtherHash": {"it holds another intent than was recorded", func(r *v1alpha1.Revision) { r.Spec.IntentHash = "v1:0" }},
		"Bomb": {"it is small and decompresses to much", func(r *v1alpha1.Revision) {
			r.Spec.Snapshot.Data = gzipped(t, `{"x":"`+strings.Repeat(" ", maxContents)+`"}`)
		}},
		"NoObject": {"it holds something else", func(r *v1alpha1.Revision) { r.Spec.Snapshot.Data = gzipped(t, `[1]`) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := good.DeepCopy()
			tt.change(r)
			if _, err := Open(r); !errors.Is(err, ErrSnapshot) {
				t.Errorf("%s: %v", tt.reason, err)
			}
			next := record(t, History{*r}, deployment("x:2")).Newest()
			if next.Spec.Number != 2 || !strings.Contains(next.Spec.Change, "cannot be told") {
				t.Errorf("%s: the next deploy is #%d, %q", tt.reason, next.Spec.Number, next.Spec.Change)
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

func TestARevisionThatIsTooLargeLeavesItsFilesOutFirst(t *testing.T) {
	const seed = 1
	random := rand.NewChaCha8([32]byte{seed})
	with := func(intent, file int) (*v1alpha1.Revision, Contents) {
		noise := make([]byte, intent+file) // What is random cannot be compressed.
		if _, err := random.Read(noise); err != nil {
			t.Fatal(err)
		}
		r := &v1alpha1.Revision{}
		r.Spec.Files = []v1alpha1.RevisionFile{{ConfigMap: "f"}, {ConfigMap: "none", Missing: true}}
		return r, Contents{
			Intent: workload.RawIntent{Spec: map[string]any{"x": noise[:intent]}},
			Files:  map[string]KeptFile{"f": {Content: noise[intent:]}},
		}
	}
	small, contents := with(1000, 1000)
	if err := fit(small, contents); err != nil || small.Spec.Files[0].Omitted {
		t.Errorf("small: %v, omitted %v", err, small.Spec.Files[0].Omitted)
	}
	large, contents := with(700_000, 600_000)
	if err := fit(large, contents); err != nil || !large.Spec.Files[0].Omitted || large.Spec.Files[1].Omitted {
		t.Errorf("large files: %v, %+v", err, large.Spec.Files)
	}
	if kept, err := unpack(large.Spec.Snapshot); err != nil || kept.Files["f"].Content != nil || len(contents.Files["f"].Content) == 0 {
		t.Errorf("large files: %v, %d bytes are kept", err, len(kept.Files["f"].Content))
	}
	tooLarge, contents := with(maxRevision, 0)
	if err := fit(tooLarge, contents); !errors.Is(err, errTooLarge) || !hopeless(err) {
		t.Errorf("a large intent: %v", err)
	}
	bomb := Contents{Intent: workload.RawIntent{Spec: map[string]any{"x": strings.Repeat("x", maxContents)}}}
	if err := fit(&v1alpha1.Revision{}, bomb); !errors.Is(err, errTooLarge) {
		t.Errorf("what could not be read again: %v", err)
	}
}
