package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

const (
	// maxFile is the largest file whose content is kept, in bytes.
	maxFile = 256 << 10
	// maxFiles is how much of all files of one revision is kept, in bytes: an object in etcd holds 1.5 MiB at most.
	maxFiles = 1 << 20
)

// readFiles reads Score's files as they are now. One that does not exist yet is noted as missing.
func readFiles(ctx context.Context, live client.Reader, namespace string, files []workload.File) ([]v1alpha1.RevisionFile, error) {
	var all []v1alpha1.RevisionFile
	kept := 0
	for _, file := range files {
		stored := &corev1.ConfigMap{}
		err := live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: file.ConfigMap}, stored)
		if apierrors.IsNotFound(err) {
			all = append(all, v1alpha1.RevisionFile{ConfigMap: file.ConfigMap, SeenAt: file.Containers, Missing: true})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading file %s: %w", file.ConfigMap, err)
		}
		snapshot, err := snapshotFile(file, stored, maxFiles-kept)
		if err != nil {
			return nil, err
		}
		kept += len(snapshot.Content)
		all = append(all, snapshot)
	}
	return all, nil
}

// snapshotFile keeps a file's content where there is room for it, and its hash in any case.
func snapshotFile(file workload.File, stored *corev1.ConfigMap, room int) (v1alpha1.RevisionFile, error) {
	content, text := FileContent(stored)
	owned, err := json.Marshal(stored.ManagedFields)
	if err != nil {
		return v1alpha1.RevisionFile{}, fmt.Errorf("encoding the managed fields of %s: %w", stored.Name, err)
	}
	snapshot := v1alpha1.RevisionFile{
		ConfigMap: file.ConfigMap, SeenAt: file.Containers, ResourceVersion: stored.ResourceVersion,
		Hash: hashOf(content), Size: int64(len(content)), Text: text,
	}
	snapshot.ManagedFields.Raw = owned
	if len(content) > min(maxFile, room) {
		snapshot.Omitted = true
	} else {
		snapshot.Content = content
	}
	return snapshot, nil
}

// writerOf is the manager that wrote a file that changed since another revision, empty where none did.
func writerOf(old, new []v1alpha1.RevisionFile) string {
	versions := map[string]string{}
	for _, f := range old {
		versions[f.ConfigMap] = f.ResourceVersion
	}
	for _, f := range new {
		var entries []metav1.ManagedFieldsEntry
		if f.Missing || f.ResourceVersion == versions[f.ConfigMap] || json.Unmarshal(f.ManagedFields.Raw, &entries) != nil {
			continue
		}
		return changedBy(entries)
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
	return hex.EncodeToString(sum[:16])
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
	return "v1:" + hex.EncodeToString(sum.Sum(nil)[:16])
}

// Snapshot is what a whole revision holds, ready to be compared.
func Snapshot(r *v1alpha1.Revision) (diff.Revision, error) {
	intent, err := Intent(r)
	if err != nil {
		return diff.Revision{}, err
	}
	return diff.Revision{Intent: intent, Files: comparable(r.Spec.Files)}, nil
}

// comparable lists files by where containers see them.
func comparable(files []v1alpha1.RevisionFile) diff.Files {
	all := diff.Files{}
	for _, f := range files {
		if f.Missing {
			continue
		}
		for _, place := range f.SeenAt {
			container, path, _ := strings.Cut(place, ":")
			all[diff.File{Container: container, Path: path}] = diff.Content{
				Data: f.Content, Digest: f.Hash, Size: int(f.Size), ConfigMap: f.ConfigMap,
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
