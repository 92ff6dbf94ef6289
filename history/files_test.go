package history

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

func TestFiles_Add(t *testing.T) {
	const name = "f"
	sized := func(size int) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "7"}, BinaryData: map[string][]byte{"file": make([]byte, size)}}
	}
	text := &corev1.ConfigMap{Data: map[string]string{"file": "hello"}}
	for test, tt := range map[string]struct {
		reason       string
		stored       *corev1.ConfigMap
		room         int
		writtenAfter bool
		want         v1alpha1.RevisionFile
		saved        int
	}{
		"Text":         {"text is saved as text", text, maxFiles, false, v1alpha1.RevisionFile{Hash: HashContent([]byte("hello")), SizeBytes: 5, State: v1alpha1.FileKept}, 5},
		"Fits":         {"a file of the largest size is saved", sized(maxFile), maxFiles, false, v1alpha1.RevisionFile{ResourceVersion: "7", Hash: HashContent(make([]byte, maxFile)), SizeBytes: maxFile, State: v1alpha1.FileKept}, maxFile},
		"TooLarge":     {"a larger one has only its hash", sized(maxFile + 1), maxFiles, false, v1alpha1.RevisionFile{ResourceVersion: "7", Hash: HashContent(make([]byte, maxFile+1)), SizeBytes: maxFile + 1, State: v1alpha1.FileTooLarge}, 0},
		"NoRoom":       {"the other files took the room", sized(100), 99, false, v1alpha1.RevisionFile{ResourceVersion: "7", Hash: HashContent(make([]byte, 100)), SizeBytes: 100, State: v1alpha1.FileTooLarge}, 0},
		"Empty":        {"an empty file needs no room", sized(0), 0, false, v1alpha1.RevisionFile{ResourceVersion: "7", Hash: HashContent(nil), State: v1alpha1.FileKept}, 0},
		"Missing":      {"there is no ConfigMap", nil, maxFiles, false, v1alpha1.RevisionFile{State: v1alpha1.FileMissing}, 0},
		"WrittenAfter": {"the content may be newer than the Deployment", sized(1), maxFiles, true, v1alpha1.RevisionFile{ResourceVersion: "7", Hash: HashContent(make([]byte, 1)), SizeBytes: 1, State: v1alpha1.FileKeptLate}, 1},
	} {
		t.Run(test, func(t *testing.T) {
			files := NewFiles()
			files.room = tt.room
			files.Add(workload.File{ConfigMap: name, Mounts: []workload.Mount{{Container: "main", Path: "/x"}}}, tt.stored, tt.writtenAfter)
			tt.want.ConfigMapName, tt.want.Mounts = name, []v1alpha1.FileMount{{ContainerName: "main", Path: "/x"}}
			if d := cmp.Diff([]v1alpha1.RevisionFile{tt.want}, files.listed); d != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, d)
			}
			if got := len(files.saved[name].Content); got != tt.saved || files.room != tt.room-tt.saved {
				t.Errorf("%s: %d bytes saved, room for %d", tt.reason, got, files.room)
			}
		})
	}
}

func TestOwnsFile(t *testing.T) {
	own := workload.File{ConfigMap: "a-main-file-0123456789", Mounts: []workload.Mount{{Container: "main", Path: "/x"}}}
	named := func(name string) workload.File { return workload.File{ConfigMap: name, Mounts: own.Mounts} }
	stored := func(change func(*corev1.ConfigMap)) *corev1.ConfigMap {
		c := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "ci"}}}, BinaryData: map[string][]byte{"file": []byte("x")},
		}
		if change != nil {
			change(c)
		}
		return c
	}
	for name, tt := range map[string]struct {
		reason string
		file   workload.File
		stored *corev1.ConfigMap
		want   bool
	}{
		"Score":          {"it is as Score writes it", own, stored(nil), true},
		"Missing":        {"no ConfigMap is nobody's", own, nil, true},
		"OtherWorkload":  {"it is named for another workload", named("b-main-file-0123456789"), stored(nil), false},
		"OtherContainer": {"it is named for another container", named("a-side-file-0123456789"), stored(nil), false},
		"NoContainer":    {"it is named for no workload", named("x-file-0123456789"), stored(nil), false},
		"LongerHash":     {"the hash has ten digits", named("a-main-file-b-file-0123456789"), stored(nil), false},
		"SecondKey":      {"Score writes one key", own, stored(func(c *corev1.ConfigMap) { c.Data = map[string]string{"more": ""} }), false},
		"Owned": {"another object owns it", own, stored(func(c *corev1.ConfigMap) {
			c.OwnerReferences = []metav1.OwnerReference{{Kind: "Database", UID: "9"}}
		}), false},
		"OwnedByIt":    {"the Deployment owns it", own, stored(func(c *corev1.ConfigMap) { c.OwnerReferences = []metav1.OwnerReference{{UID: "1"}} }), true},
		"OtherManager": {"no deployer of the Deployment wrote it", own, stored(func(c *corev1.ConfigMap) { c.ManagedFields[0].Manager = "cert-operator" }), false},
		"Restored": {"Reprise writes on behalf of others", own, stored(func(c *corev1.ConfigMap) {
			c.ManagedFields = append(c.ManagedFields, metav1.ManagedFieldsEntry{Manager: FieldManager})
		}), true},
		"NoManager": {"whoever wrote it left no trace", own, stored(func(c *corev1.ConfigMap) { c.ManagedFields = nil }), true},
	} {
		if got := OwnsFile(deployment("x:1"), tt.file, tt.stored); got != tt.want {
			t.Errorf("%s: %s: %t", name, tt.reason, got)
		}
	}
}

func TestFiles_AddForeign(t *testing.T) {
	files := file("one")
	digest := files.Digest()
	files.AddForeign(workload.File{ConfigMap: "x-file-0123456789", Mounts: []workload.Mount{{Container: "main", Path: "/x"}}}, &corev1.ConfigMap{
		Data: map[string]string{"file": "somebody else's"},
	})
	files.AddForeign(workload.File{ConfigMap: "y-file-0123456789"}, nil)
	if _, saved := files.saved["x-file-0123456789"]; saved || files.Digest() != digest {
		t.Errorf("its content is saved: %t; the digest is %s, want %s", saved, files.Digest(), digest)
	}
	if f := files.listed[1]; f.State != v1alpha1.FileForeign || f.Hash != HashContent([]byte("somebody else's")) {
		t.Errorf("listed as %+v", f)
	}
	if f := files.listed[2]; f.State != v1alpha1.FileForeign || f.Hash != "" {
		t.Errorf("a missing one is listed as %+v", f)
	}
}

func TestFiles_lastWriter(t *testing.T) {
	old := file("one").listed
	for name, tt := range map[string]struct {
		files *Files
		want  string
	}{
		"Unchanged": {file("one"), ""},
		"Changed":   {file("two"), "kubectl"},
		"None":      {NewFiles(), ""},
	} {
		if got := tt.files.lastWriter(old); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestFilesDigest(t *testing.T) {
	missing := NewFiles()
	missing.Add(workload.File{ConfigMap: "f"}, nil, false)
	digests := map[string]string{}
	for name, files := range map[string]*Files{"one": file("one"), "two": file("two"), "missing": missing, "none": NewFiles()} {
		digests[files.Digest()] = name
	}
	if len(digests) != 4 || digests[""] != "none" {
		t.Errorf("got %v", digests)
	}
	if first, second := file("one"), file("one"); first.Digest() != second.Digest() {
		t.Error("equal files have two digests")
	}
}

func TestSameContent(t *testing.T) {
	listed := file("one").listed[0]
	for content, want := range map[string]bool{"one": true, "two": false, "": false} {
		if got := SameContent(listed, &corev1.ConfigMap{Data: map[string]string{"file": content}}); got != want {
			t.Errorf("%q: %v", content, got)
		}
	}
}

func TestToDiffFiles(t *testing.T) {
	files := file("one")
	files.Add(workload.File{ConfigMap: "gone", Mounts: []workload.Mount{{Container: "main", Path: "/y"}}}, nil, false)
	want := diff.Files{{Container: "main", Path: "/etc/app.conf"}: {
		Data: []byte("one"), Digest: HashContent([]byte("one")), Size: 3, ConfigMap: "a-main-file-0123456789",
	}}
	if d := cmp.Diff(want, ToDiffFiles(files.listed, files.saved)); d != "" {
		t.Errorf("a missing file is none (-want +got):\n%s", d)
	}
}
