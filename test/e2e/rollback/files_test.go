package rollback

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/product"
)

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
func file(p product.Place) *corev1.ConfigMap {
	p.Helper()
	c := &corev1.ConfigMap{}
	if err := p.API.Get(p.Context(), client.ObjectKey{Namespace: p.Namespace, Name: product.FiledConfigMap}, c); err != nil {
		p.Fatal(err)
	}
	return c
}

func TestARollbackPutsScoresFilesBackToo(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"ClientSide": nil, "ServerSide": {"--server-side"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, product.Quick)
			deploy := func(content, tag string) {
				p.Kubectl(append([]string{"apply", "-f", write(t, product.Filed(content, tag))}, flags...)...)
			}
			deploy("version one", "1.27")
			p.Becomes("filed", "1 Healthy")

			deploy("version two", "does-not-exist")
			h := p.Becomes("filed", "1 Healthy, 2 RolledBack, 3 Healthy")
			if h[1].Spec.FilesDigest == h[0].Spec.FilesDigest || h[2].Spec.FilesDigest != h[0].Spec.FilesDigest || h[2].Spec.RestoredFrom != 1 {
				t.Errorf("files %s, %s, %s; #3 restores #%d", h[0].Spec.FilesDigest, h[1].Spec.FilesDigest, h[2].Spec.FilesDigest, h[2].Spec.RestoredFrom)
			}
			restored := file(p)
			if got := string(restored.BinaryData["file"]); got != "version one" {
				t.Errorf("the file holds %q", got)
			}
			if owners, _ := json.Marshal(restored.ManagedFields); strings.Contains(string(owners), `"manager":"reprise"`) {
				t.Errorf("Reprise still owns the file: %s", owners)
			}
			if message := p.Event("RolledBack", "filed"); !strings.Contains(message, "files./etc/app/a.conf") {
				t.Errorf("the event does not name the file: %q", message)
			}

			deploy("version two", "1.28")
			p.Becomes("filed", "1 Healthy, 2 RolledBack, 3 Healthy, 4 Healthy")
			if got := string(file(p).BinaryData["file"]); got != "version two" {
				t.Errorf("after the fix the file holds %q", got)
			}
		})
	}
}

func TestAChangeOfAFileAloneIsARevisionThatOnlyNewPodsMakeHealthy(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Kubectl("apply", "-f", write(t, product.Filed("version one", "1.27")))
	p.Becomes("filed", "1 Healthy")

	p.Kubectl("apply", "-f", write(t, product.Filed("version two", "1.27")))
	h := p.Becomes("filed", "1 Healthy, 2 Progressing")
	if !h[1].FilesOnly() || !strings.Contains(h[1].Spec.ChangeSummary, "containers.main.files./etc/app/a.conf") || h[1].Spec.FieldManager != "kubectl-client-side-apply" {
		t.Errorf("files only: %v, change %q, by %q", h[1].FilesOnly(), h[1].Spec.ChangeSummary, h[1].Spec.FieldManager)
	}

	p.Kubectl("delete", "pods", "--all", "--wait=false")
	p.Becomes("filed", "1 Healthy, 2 Healthy")
}
