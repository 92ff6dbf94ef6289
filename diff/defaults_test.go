package diff_test

import (
	"path/filepath"
	"strings"
	"testing"

	"reprise.dev/reprise/diff"
)

// The files of testdata/stored are what Kubernetes 1.37.2 returned on `kubectl create -o yaml` of
// the manifests, without status and what the server sets in metadata.
func TestIntents_ManifestEqualsItsStoredObject(t *testing.T) {
	stored, err := filepath.Glob("testdata/stored/*.yaml")
	if err != nil || len(stored) < 10 {
		t.Fatalf("found %d stored objects: %v", len(stored), err)
	}
	for _, file := range stored {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			manifest := "testdata/" + name + ".yaml"
			if rest, ok := strings.CutPrefix(name, "tutorial-"); ok {
				manifest = filepath.Join(tutorial, rest, "manifests.yaml")
			} else if rest, ok := strings.CutPrefix(name, "edge-"); ok {
				manifest = filepath.Join(edge, rest, "manifests.yaml")
			}
			asked, kept := manifests(t, manifest).Intent, manifests(t, file).Intent
			if asked.Hash() == kept.Hash() {
				t.Fatal("the stored object has no defaults, so the test shows nothing")
			}
			there, err := diff.Intents(asked, kept)
			if err != nil || len(there) > 0 {
				t.Errorf("the API server's defaults are no difference, got %s, %v", there.Short(4096), err)
			}
			back, err := diff.Intents(kept, asked)
			if err != nil || len(back) > 0 {
				t.Errorf("nor the other way round, got %s, %v", back.Short(4096), err)
			}
		})
	}
}
