package history

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

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

// AddForeign adds a file that is not the workload's own, by its hash only. stored is nil if there
// is no ConfigMap.
func (f *Files) AddForeign(file workload.File, stored *corev1.ConfigMap) {
	listed := v1alpha1.RevisionFile{ConfigMapName: file.ConfigMap, Mounts: mounts(file), State: v1alpha1.FileForeign}
	if stored != nil {
		content, _ := FileContent(stored)
		listed.ResourceVersion, listed.Hash, listed.SizeBytes = stored.ResourceVersion, HashContent(content), int64(len(content))
	}
	f.listed = append(f.listed, listed)
}

// OwnsFile reports whether a file is a Deployment's own, as Score writes one: the ConfigMap is
// named for a container that mounts it, has no other key and no other owner, and a deployer of the
// Deployment wrote it. Anyone who may deploy can mount any other ConfigMap. stored is nil if there
// is no ConfigMap.
func OwnsFile(d *appsv1.Deployment, file workload.File, stored *corev1.ConfigMap) bool {
	if !file.IsNamedFor(d.Name) {
		return false
	}
	if stored == nil {
		return true
	}
	otherOwner := slices.ContainsFunc(stored.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID != d.UID })
	writers := deployers(stored.ManagedFields)
	return !otherOwner && len(stored.Data)+len(stored.BinaryData) == 1 && (len(writers) == 0 || writers.HasAny(deployers(d.ManagedFields).UnsortedList()...))
}

// deployers returns the managers of an object that are neither controllers nor Reprise.
func deployers(entries []metav1.ManagedFieldsEntry) sets.Set[string] {
	all := sets.New[string]()
	for _, entry := range entries {
		if !OwnedByController(entry) && !OwnedByReprise(entry) {
			all.Insert(entry.Manager)
		}
	}
	return all
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
		if file.State != v1alpha1.FileMissing && file.State != v1alpha1.FileForeign && file.ResourceVersion != versions[file.ConfigMapName] {
			return lastManager(f.saved[file.ConfigMapName].ManagedFields)
		}
	}
	return ""
}
