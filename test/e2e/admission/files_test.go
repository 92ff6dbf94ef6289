package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fixture reads a fixture of Score's output that is not part of this repository.
func fixture(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "score", name, "manifests.yaml")
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("the Score fixtures are not beside this checkout (../shared/score/%s)", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// write puts a manifest into a file for kubectl.
func write(t *testing.T, manifest string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "manifests.yaml")
	if err := os.WriteFile(path, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// file is the ConfigMap whose content differs between the fixtures.
func (p place) file() *corev1.ConfigMap {
	p.Helper()
	c := &corev1.ConfigMap{}
	if err := p.api.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: "filed-main-file-932d370d8a"}, c); err != nil {
		p.Fatal(err)
	}
	return c
}

func TestARollbackPutsScoresFilesBackToo(t *testing.T) {
	t.Parallel()
	first, second := fixture(t, "edge/files-rev1"), fixture(t, "edge/files-rev2-content-only")
	for name, apply := range map[string][]string{"ClientSide": {"apply"}, "ServerSide": {"apply", "--server-side"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, quick)
			deploy := func(manifest string) { p.kubectl(append(apply, "-f", write(t, manifest))...) }
			deploy(first)
			p.becomes("filed", "1 Healthy")

			deploy(strings.ReplaceAll(second, "nginx:1.27-alpine", "nginx:does-not-exist"))
			h := p.becomes("filed", "1 Healthy, 2 RolledBack, 3 Healthy")
			if h[1].Spec.FilesDigest == h[0].Spec.FilesDigest || h[2].Spec.FilesDigest != h[0].Spec.FilesDigest || h[2].Spec.RestoredFrom != 1 {
				t.Errorf("files %s, %s, %s; #3 restores #%d", h[0].Spec.FilesDigest, h[1].Spec.FilesDigest, h[2].Spec.FilesDigest, h[2].Spec.RestoredFrom)
			}
			restored := p.file()
			if got := string(restored.BinaryData["file"]); got != "version one" {
				t.Errorf("the file holds %q", got)
			}
			if owners, _ := json.Marshal(restored.ManagedFields); strings.Contains(string(owners), `"manager":"reprise"`) {
				t.Errorf("Reprise still owns the file: %s", owners)
			}
			if message := p.event("RolledBack", "filed"); !strings.Contains(message, "files./etc/app/a.conf") {
				t.Errorf("the event does not name the file: %q", message)
			}

			deploy(strings.ReplaceAll(second, "nginx:1.27-alpine", "nginx:1.28-alpine"))
			p.becomes("filed", "1 Healthy, 2 RolledBack, 3 Healthy, 4 Healthy")
			if got := string(p.file().BinaryData["file"]); got != "version two" {
				t.Errorf("after the fix the file holds %q", got)
			}
		})
	}
}

func TestAChangeOfAFileAloneIsARevisionThatOnlyNewPodsMakeHealthy(t *testing.T) {
	t.Parallel()
	first, second := fixture(t, "edge/files-rev1"), fixture(t, "edge/files-rev2-content-only")
	p := newPlace(t, quick)
	p.kubectl("apply", "-f", write(t, first))
	p.becomes("filed", "1 Healthy")

	p.kubectl("apply", "-f", write(t, second))
	h := p.becomes("filed", "1 Healthy, 2 Progressing")
	if !h[1].FilesOnly() || !strings.Contains(h[1].Spec.ChangeSummary, "containers.main.files./etc/app/a.conf") || h[1].Spec.FieldManager != "kubectl-client-side-apply" {
		t.Errorf("files only: %v, change %q, by %q", h[1].FilesOnly(), h[1].Spec.ChangeSummary, h[1].Spec.FieldManager)
	}

	p.kubectl("delete", "pods", "--all", "--wait=false")
	p.becomes("filed", "1 Healthy, 2 Healthy")
}
