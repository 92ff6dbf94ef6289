package history

import (
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

const (
	// maxFile is the largest file whose content is saved, in bytes.
	maxFile = 256 << 10
	// maxFiles is how much content of all files of one revision is saved, in bytes: an object in
	// etcd has 1.5 MiB at most.
	maxFiles = 1 << 20
)

// Files are the Score files of a workload as a revision records them.
type Files struct {
	listed []v1alpha1.RevisionFile
	// saved is for the snapshot, by the names of the ConfigMaps.
	saved map[string]SavedFile
	// room is how many bytes of content may still be saved.
	room int
}

// NewFiles returns an empty set of files.
func NewFiles() *Files { return &Files{saved: map[string]SavedFile{}, room: maxFiles} }

// Add adds a file: its hash in any case, its content where there is room for it. stored is nil if
// there is no ConfigMap. writtenAfter says that the content may be newer than the Deployment.
func (f *Files) Add(file workload.File, stored *corev1.ConfigMap, writtenAfter bool) {
	if stored == nil {
		f.listed = append(f.listed, v1alpha1.RevisionFile{ConfigMapName: file.ConfigMap, Mounts: mounts(file), State: v1alpha1.FileMissing})
		return
	}
	content, text := FileContent(stored)
	saved := SavedFile{Text: text, ManagedFields: stored.ManagedFields}
	state := v1alpha1.FileTooLarge
	if len(content) <= min(maxFile, f.room) {
		state = v1alpha1.FileKept
		if writtenAfter {
			state = v1alpha1.FileKeptLate
		}
		saved.Content = content
		f.room -= len(content)
	}
	f.saved[file.ConfigMap] = saved
	f.listed = append(f.listed, v1alpha1.RevisionFile{
		ConfigMapName: file.ConfigMap, Mounts: mounts(file), ResourceVersion: stored.ResourceVersion, State: state,
		Hash: HashContent(content), SizeBytes: int64(len(content)),
	})
}

// mounts returns where containers read a file.
func mounts(file workload.File) []v1alpha1.FileMount {
	var all []v1alpha1.FileMount
	for _, m := range file.Mounts {
		all = append(all, v1alpha1.FileMount{ContainerName: m.Container, Path: m.Path})
	}
	return all
}

// Digest identifies the contents, as FilesDigest does.
func (f *Files) Digest() string { return FilesDigest(f.listed) }

// lastWriter returns the manager that wrote the first file that changed since an older revision,
// empty if none changed.
func (f *Files) lastWriter(old []v1alpha1.RevisionFile) string {
	versions := map[string]string{}
	for _, file := range old {
		versions[file.ConfigMapName] = file.ResourceVersion
	}
	for _, file := range f.listed {
		if file.State != v1alpha1.FileMissing && file.ResourceVersion != versions[file.ConfigMapName] {
			return lastManager(f.saved[file.ConfigMapName].ManagedFields)
		}
	}
	return ""
}
