package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

// FileContent returns the content of a Score file from its ConfigMap, and whether the ConfigMap
// stores it as text.
func FileContent(c *corev1.ConfigMap) (content []byte, text bool) {
	if value, ok := c.Data[workload.FileKey]; ok {
		return []byte(value), true
	}
	return c.BinaryData[workload.FileKey], false
}

// SameContent reports whether a ConfigMap has the content of a revision's file.
func SameContent(f v1alpha1.RevisionFile, c *corev1.ConfigMap) bool {
	content, _ := FileContent(c)
	return HashContent(content) == f.Hash
}

// HashContent returns the hash by which a file's content is compared.
func HashContent(content []byte) string {
	sum := sha256.Sum256(content)
	return HashVersion + hex.EncodeToString(sum[:16])
}

// FilesDigest returns a hash of the contents of a revision's own files, empty if it has none.
func FilesDigest(files []v1alpha1.RevisionFile) string {
	files = slices.DeleteFunc(slices.Clone(files), func(f v1alpha1.RevisionFile) bool { return f.State == v1alpha1.FileForeign })
	if len(files) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, f := range files {
		fmt.Fprintf(sum, "%s\x00%s\x00", f.ConfigMapName, f.Hash)
	}
	return HashVersion + hex.EncodeToString(sum.Sum(nil)[:16])
}

// ToDiffFiles returns files by the containers and paths that they are mounted at.
func ToDiffFiles(listed []v1alpha1.RevisionFile, saved map[string]SavedFile) diff.Files {
	all := diff.Files{}
	for _, f := range listed {
		if f.State == v1alpha1.FileMissing || f.Hash == "" {
			continue
		}
		for _, mount := range f.Mounts {
			all[diff.File{Container: mount.ContainerName, Path: mount.Path}] = diff.Content{
				Data: saved[f.ConfigMapName].Content, Digest: f.Hash, Size: int(f.SizeBytes), ConfigMap: f.ConfigMapName,
			}
		}
	}
	return all
}

// HashVersion is the prefix of hashes of contents. It names the algorithm, so that hashes of two
// algorithms never compare as equal.
const HashVersion = "v1:"
