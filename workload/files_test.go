package workload_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/workload"
)

func TestFilesOf_ScoreFiles(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "shared", "score", "edge", "files-rev1", "manifests.yaml"))
	if os.IsNotExist(err) {
		t.Skip("the Score fixtures are not beside this checkout (../shared/score/edge/files-rev1)")
	}
	if err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		if strings.Contains(document, "kind: Deployment") {
			if err := yaml.Unmarshal([]byte(document), &d); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := []workload.File{
		{ConfigMap: "filed-main-file-26356e0d5f", Mounts: []workload.Mount{{Container: "main", Path: "/opt/single.txt"}}},
		{ConfigMap: "filed-main-file-932d370d8a", Mounts: []workload.Mount{{Container: "main", Path: "/etc/app/a.conf"}}},
		{ConfigMap: "filed-main-file-9de408a5a1", Mounts: []workload.Mount{{Container: "main", Path: "/etc/app/b.conf"}}},
	}
	if diff := cmp.Diff(want, workload.FilesOf(&d.Spec.Template)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFilesOf_OtherConfigMaps(t *testing.T) {
	source := func(name, key string) corev1.Volume {
		return corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: []corev1.KeyToPath{{Key: key, Path: "a"}},
		}}}
	}
	for name, tt := range map[string]struct {
		volume corev1.Volume
		want   int
	}{
		"Score":    {source("a-b-file-0123456789", "file"), 1},
		"OtherKey": {source("a-b-file-0123456789", "config"), 0},
		"NotHex":   {source("a-b-file-012345678z", "file"), 0},
		"Longer":   {source("a-b-file-01234567890", "file"), 0},
		"Nothing":  {source("-file-0123456789", "file"), 0},
		"Empty":    {corev1.Volume{Name: "v"}, 0},
	} {
		template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Volumes:    []corev1.Volume{tt.volume},
			Containers: []corev1.Container{{Name: "main", VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/etc"}}}},
		}}
		if got := workload.FilesOf(&template); len(got) != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
