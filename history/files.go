package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

const (
	// hashVersion names the way of hashing contents, so that hashes made by another are never taken for equal ones.
	hashVersion = "v1:"
	// maxFile is the largest file whose content is kept, in bytes.
	maxFile = 256 << 10
	// maxFiles is how much of all files of one revision is kept, in bytes: an object in etcd holds 1.5 MiB at most.
	maxFiles = 1 << 20
)

// files are Score's files of a workload as a revision takes them.
type files struct {
	listed []v1alpha1.RevisionFile
	// kept is for the snapshot, by the names of the ConfigMaps.
	kept map[string]KeptFile
	room int
}

func newFiles() *files { return &files{kept: map[string]KeptFile{}, room: maxFiles} }

// add takes a file, with its content where there is room for it, and its hash in any case. stored is nil where there is
// no ConfigMap.
func (f *files) add(file workload.File, stored *corev1.ConfigMap, writtenAfter bool) {
	if stored == nil {
		f.listed = append(f.listed, v1alpha1.RevisionFile{ConfigMap: file.ConfigMap, SeenAt: file.Containers, Missing: true})
		return
	}
	content, text := FileContent(stored)
	kept := KeptFile{ManagedFields: stored.ManagedFields}
	omitted := len(content) > min(maxFile, f.room)
	if !omitted {
		kept.Content = content
		f.room -= len(content)
	}
	f.kept[file.ConfigMap] = kept
	f.listed = append(f.listed, v1alpha1.RevisionFile{
		ConfigMap: file.ConfigMap, SeenAt: file.Containers, ResourceVersion: stored.ResourceVersion, WrittenAfter: writtenAfter,
		Hash: hashOf(content), Size: int64(len(content)), Text: text, Omitted: omitted,
	})
}

// writer is the manager that wrote a file that changed since another revision, empty where none did.
func (f *files) writer(old []v1alpha1.RevisionFile) string {
	versions := map[string]string{}
	for _, file := range old {
		versions[file.ConfigMap] = file.ResourceVersion
	}
	for _, file := range f.listed {
		if !file.Missing && file.ResourceVersion != versions[file.ConfigMap] {
			return changedBy(f.kept[file.ConfigMap].ManagedFields)
		}
	}
	return ""
}

// FileContent is what one of Score's ConfigMaps holds, and whether it holds it as text.
func FileContent(c *corev1.ConfigMap) (content []byte, text bool) {
	if value, ok := c.Data[workload.FileKey]; ok {
		return []byte(value), true
	}
	return c.BinaryData[workload.FileKey], false
}

// SameContent says whether a ConfigMap holds what a revision's file held.
func SameContent(f v1alpha1.RevisionFile, c *corev1.ConfigMap) bool {
	content, _ := FileContent(c)
	return hashOf(content) == f.Hash
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hashVersion + hex.EncodeToString(sum[:16])
}

// digestOf identifies the contents of a revision's files, empty where it has none.
func digestOf(files []v1alpha1.RevisionFile) string {
	if len(files) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, f := range files {
		fmt.Fprintf(sum, "%s\x00%s\x00", f.ConfigMap, f.Hash)
	}
	return hashVersion + hex.EncodeToString(sum.Sum(nil)[:16])
}

// comparable lists files by where containers see them.
func comparable(listed []v1alpha1.RevisionFile, kept map[string]KeptFile) diff.Files {
	all := diff.Files{}
	for _, f := range listed {
		if f.Missing {
			continue
		}
		for _, place := range f.SeenAt {
			container, path, _ := strings.Cut(place, ":")
			all[diff.File{Container: container, Path: path}] = diff.Content{
				Data: kept[f.ConfigMap].Content, Digest: f.Hash, Size: int(f.Size), ConfigMap: f.ConfigMap,
			}
		}
	}
	return all
}

// ChangedFiles names the files that do not hold what a revision had, as containers.NAME.files.PATH.
func ChangedFiles(ctx context.Context, live client.Reader, r *v1alpha1.Revision) ([]string, error) {
	var changed []string
	for _, f := range r.Spec.Files {
		stored := &corev1.ConfigMap{}
		err := live.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: f.ConfigMap}, stored)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading file %s: %w", f.ConfigMap, err)
		}
		if exists := err == nil; exists == f.Missing || exists && !SameContent(f, stored) {
			for _, at := range f.SeenAt {
				container, path, _ := strings.Cut(at, ":")
				changed = append(changed, "containers."+container+".files."+path)
			}
		}
	}
	return changed, nil
}
