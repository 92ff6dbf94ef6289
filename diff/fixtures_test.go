package diff_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

const (
	tutorial = "../test/testdata/score/tutorial"
	edge     = "../../shared/score/edge"
)

// manifests reads the first Deployment of a file, with what its containers see of Score's files.
func manifests(t *testing.T, file string) diff.Revision {
	t.Helper()
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && strings.HasPrefix(file, edge) {
		t.Skipf("the fixture %s is not here", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var deployment *appsv1.Deployment
	configMaps := map[string][]byte{}
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096); ; {
		var document struct {
			corev1.ConfigMap `json:",inline"`
			Spec             appsv1.DeploymentSpec `json:"spec"`
		}
		err := decoder.Decode(&document)
		switch {
		case errors.Is(err, io.EOF) && deployment == nil:
			t.Skipf("%s holds no Deployment", file)
		case errors.Is(err, io.EOF):
			return diff.Revision{Intent: workload.IntentOf(deployment), Files: filesOf(deployment, configMaps)}
		case err != nil:
			continue // Another kind, whose spec is not a Deployment's.
		case document.Kind == "ConfigMap":
			configMaps[document.Name] = document.BinaryData["file"]
		case document.Kind == "Deployment" && deployment == nil:
			deployment = &appsv1.Deployment{ObjectMeta: document.ObjectMeta, Spec: document.Spec}
		}
	}
}

// filesOf follows the containers' mounts to the ConfigMaps.
func filesOf(d *appsv1.Deployment, configMaps map[string][]byte) diff.Files {
	files := diff.Files{}
	for _, container := range d.Spec.Template.Spec.Containers {
		add := func(mount, configMap string, items []corev1.KeyToPath) {
			for _, item := range items {
				files[diff.File{Container: container.Name, Path: path.Join(mount, item.Path)}] = diff.Content{
					Data: configMaps[configMap], ConfigMap: configMap,
				}
			}
		}
		for _, mount := range container.VolumeMounts {
			for _, volume := range d.Spec.Template.Spec.Volumes {
				if volume.Name != mount.Name {
					continue
				}
				if volume.ConfigMap != nil {
					add(mount.MountPath, volume.ConfigMap.Name, volume.ConfigMap.Items)
				}
				if volume.Projected != nil {
					for _, source := range volume.Projected.Sources {
						add(mount.MountPath, source.ConfigMap.Name, source.ConfigMap.Items)
					}
				}
			}
		}
	}
	return files
}

func fixture(t *testing.T, folder, name string) diff.Revision {
	t.Helper()
	return manifests(t, filepath.Join(folder, name, "manifests.yaml"))
}

func compare(t *testing.T, old, new diff.Revision) diff.Changes {
	t.Helper()
	changes, err := diff.Revisions(old, new)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}
