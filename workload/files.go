package workload

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// FileKey is the only key of a ConfigMap that Score writes for a file.
const FileKey = "file"

// fileName matches the names of Score's ConfigMaps: <workload>-<container>-file-<hash of the path>
// (score-k8s, internal/convert/workloads.go).
var fileName = regexp.MustCompile(`^.+-file-[0-9a-f]{10}$`)

// File is one of Score's files. It is stored in a ConfigMap with a fixed name and changes without
// the Deployment.
type File struct {
	// ConfigMap is the name of the ConfigMap that holds the file.
	ConfigMap string
	// Mounts lists where containers read the file, sorted.
	Mounts []Mount
}

// Mount is a place where a container reads a file.
type Mount struct{ Container, Path string }

// IsFileName reports whether Score gives such a name to the ConfigMap of a file.
func IsFileName(configMap string) bool { return fileName.MatchString(configMap) }

// IsNamedFor reports whether Score gives the name of the file's ConfigMap to a file of a container
// that mounts it, in the workload of a name. score-k8s names the Deployment as the workload.
func (f File) IsNamedFor(workload string) bool {
	return slices.ContainsFunc(f.Mounts, func(m Mount) bool {
		hash, found := strings.CutPrefix(f.ConfigMap, workload+"-"+m.Container+"-file-")
		return found && len(hash) == 10 && IsFileName(f.ConfigMap)
	})
}

// FilesOf returns Score's files in a pod template, sorted by the names of their ConfigMaps.
func FilesOf(template *corev1.PodTemplateSpec) []File {
	seen := map[string][]Mount{}
	for _, volume := range template.Spec.Volumes {
		for _, source := range sources(volume) {
			if !IsFileName(source.Name) {
				continue
			}
			for _, item := range source.Items {
				if item.Key == FileKey {
					seen[source.Name] = append(seen[source.Name], mountsOf(template, volume.Name, item.Path)...)
				}
			}
		}
	}
	files := make([]File, 0, len(seen))
	for name, mounts := range seen {
		slices.SortFunc(mounts, func(a, b Mount) int {
			return cmp.Or(strings.Compare(a.Container, b.Container), strings.Compare(a.Path, b.Path))
		})
		files = append(files, File{ConfigMap: name, Mounts: slices.Compact(mounts)})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.ConfigMap, b.ConfigMap) })
	return files
}

// sources returns the ConfigMaps of a volume, projected or not.
func sources(volume corev1.Volume) []corev1.ConfigMapProjection {
	var all []corev1.ConfigMapProjection
	if c := volume.ConfigMap; c != nil {
		all = append(all, corev1.ConfigMapProjection{LocalObjectReference: c.LocalObjectReference, Items: c.Items})
	}
	if volume.Projected == nil {
		return all
	}
	for _, source := range volume.Projected.Sources {
		if source.ConfigMap != nil {
			all = append(all, *source.ConfigMap)
		}
	}
	return all
}

// mountsOf returns where the containers of a template mount a file of a volume.
func mountsOf(template *corev1.PodTemplateSpec, volume, file string) []Mount {
	var all []Mount
	for _, containers := range [][]corev1.Container{template.Spec.InitContainers, template.Spec.Containers} {
		for _, container := range containers {
			for _, mount := range container.VolumeMounts {
				if mount.Name != volume {
					continue
				}
				at := path.Join(mount.MountPath, file)
				if mount.SubPath != "" {
					if mount.SubPath != file {
						continue
					}
					at = mount.MountPath
				}
				all = append(all, Mount{Container: container.Name, Path: at})
			}
		}
	}
	return all
}
