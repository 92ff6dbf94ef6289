package workload

import (
	"strings"
	"testing"
)

func TestScoreField(t *testing.T) {
	tests := []struct{ reason, path, want string }{
		{"Score has the field", "spec/template/spec/containers/main/image", "containers.main.image"},
		{"env is called variables", "spec/template/spec/containers/main/env/DB_HOST", "containers.main.variables.DB_HOST"},
		{"volume mounts are called volumes", "spec/template/spec/initContainers/first/volumeMounts/etc", "initContainers.first.volumes.etc"},
		{"a pod's own volumes keep their name", "spec/template/spec/volumes/file-1", "volumes.file-1"},
		{"the template's metadata is told from the Deployment's", "spec/template/metadata/labels/team", "template.labels.team"},
		{"the Deployment's metadata", "metadata/labels/team", "labels.team"},
		{"the Deployment's spec", "spec/replicas", "replicas"},
		{"nothing but a leading part", "spec", "spec"},
	}
	for _, tt := range tests {
		path := strings.Split(tt.path, "/")
		if got := ScoreField(path); got != tt.want {
			t.Errorf("%s: ScoreField(%v) = %s, want %s", tt.reason, path, got, tt.want)
		}
		if strings.Join(path, "/") != tt.path {
			t.Errorf("%s: the path was changed to %v", tt.reason, path)
		}
	}
}
