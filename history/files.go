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
		f.listed = append(f.listed, v1alpha1.RevisionFile{ConfigMapName: file.ConfigMap, SeenAt: file.Containers, Missing: true})
		return
	}
	content, text := FileContent(stored)
	saved := SavedFile{ManagedFields: stored.ManagedFields}
	omitted := len(content) > min(maxFile, f.room)
	if !omitted {
		saved.Content = content
		f.room -= len(content)
	}
	f.saved[file.ConfigMap] = saved
	f.listed = append(f.listed, v1alpha1.RevisionFile{
		ConfigMapName: file.ConfigMap, SeenAt: file.Containers, ResourceVersion: stored.ResourceVersion, WrittenAfter: writtenAfter,
		Hash: HashContent(content), Size: int64(len(content)), Text: text, Omitted: omitted,
	})
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
		if !file.Missing && file.ResourceVersion != versions[file.ConfigMapName] {
			return lastManager(f.saved[file.ConfigMapName].ManagedFields)
		}
	}
	return ""
}
