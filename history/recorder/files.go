package recorder

import (
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

const (
	// maxFile is the largest file whose content is kept, in bytes.
	maxFile = 256 << 10
	// maxFiles is how much of all files of one revision is kept, in bytes: an object in etcd holds 1.5 MiB at most.
	maxFiles = 1 << 20
)

// files are Score's files of a workload as a revision takes them.
type files struct {
	listed []v1alpha1.RevisionFile
	// kept is for the snapshot, by the names of the ConfigMaps.
	kept map[string]history.KeptFile
	room int
}

func newFiles() *files { return &files{kept: map[string]history.KeptFile{}, room: maxFiles} }

// add takes a file, with its content where there is room for it, and its hash in any case. stored is nil where there is
// no ConfigMap.
func (f *files) add(file workload.File, stored *corev1.ConfigMap, writtenAfter bool) {
	if stored == nil {
		f.listed = append(f.listed, v1alpha1.RevisionFile{ConfigMapName: file.ConfigMap, Mounts: mounts(file), State: v1alpha1.FileMissing})
		return
	}
	content, text := history.FileContent(stored)
	kept := history.KeptFile{Text: text, ManagedFields: stored.ManagedFields}
	state := v1alpha1.FileTooLarge
	if len(content) <= min(maxFile, f.room) {
		state = v1alpha1.FileKept
		if writtenAfter {
			state = v1alpha1.FileKeptLate
		}
		kept.Content = content
		f.room -= len(content)
	}
	f.kept[file.ConfigMap] = kept
	f.listed = append(f.listed, v1alpha1.RevisionFile{
		ConfigMapName: file.ConfigMap, Mounts: mounts(file), ResourceVersion: stored.ResourceVersion, State: state,
		Hash: history.HashContent(content), SizeBytes: int64(len(content)),
	})
}

// mounts are where containers read a file.
func mounts(file workload.File) []v1alpha1.FileMount {
	var all []v1alpha1.FileMount
	for _, m := range file.Mounts {
		all = append(all, v1alpha1.FileMount{ContainerName: m.Container, Path: m.Path})
	}
	return all
}

// writer is the manager that wrote a file that changed since another revision, empty where none did.
func (f *files) writer(old []v1alpha1.RevisionFile) string {
	versions := map[string]string{}
	for _, file := range old {
		versions[file.ConfigMapName] = file.ResourceVersion
	}
	for _, file := range f.listed {
		if file.State != v1alpha1.FileMissing && file.ResourceVersion != versions[file.ConfigMapName] {
			return changedBy(f.kept[file.ConfigMapName].ManagedFields)
		}
	}
	return ""
}
