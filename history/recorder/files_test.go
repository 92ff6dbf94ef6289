package recorder

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

func TestAChangeOfFilesAloneIsJudgedAnewAndSaysWhichFile(t *testing.T) {
	with := func(content string) *files {
		all := newFiles()
		all.add(workload.File{ConfigMap: "a-main-file-0123456789", Mounts: []workload.Mount{{Container: "main", Path: "/etc/app.conf"}}}, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{ResourceVersion: content, ManagedFields: []metav1.ManagedFieldsEntry{
				{Manager: "kubectl", Time: &metav1.Time{Time: now}},
			}},
			BinaryData: map[string][]byte{"file": []byte(content)},
		}, false)
		return all
	}
	c := captureOf(t, deployment("x:1"))
	before, err := predecessors{files: with("one\n")}.newRevision(c, now)
	if err != nil {
		t.Fatal(err)
	}
	before.Status.Phase = v1alpha1.PhaseHealthy
	c.files = true
	after, err := predecessors{last: 1, newest: before, files: with("two\n")}.newRevision(c, now)
	if err != nil {
		t.Fatal(err)
	}
	if !after.FilesOnly() || after.Status.Phase != v1alpha1.PhaseProgressing || after.Spec.FieldManager != "kubectl" ||
		!strings.Contains(after.Spec.ChangeSummary, "containers.main.files./etc/app.conf") {
		t.Errorf("files only %v, %s, by %s: %s", after.FilesOnly(), after.Status.Phase, after.Spec.FieldManager, after.Spec.ChangeSummary)
	}
	contents, err := history.DecodeSnapshot(after)
	if err != nil {
		t.Fatal(err)
	}
	if got := contents.Files["a-main-file-0123456789"]; string(got.Content) != "two\n" || len(got.ManagedFields) != 1 {
		t.Errorf("the snapshot keeps %q of %v", got.Content, got.ManagedFields)
	}
}

func TestLargeFilesAreKnownByTheirHashAndMarked(t *testing.T) {
	for name, tt := range map[string]struct {
		size, room int
		omitted    bool
	}{
		"Fits":     {maxFile, maxFiles, false},
		"TooLarge": {maxFile + 1, maxFiles, true},
		"NoRoom":   {100, 99, true},
		"Empty":    {0, 0, false},
	} {
		stored := &corev1.ConfigMap{BinaryData: map[string][]byte{"file": make([]byte, tt.size)}}
		all := newFiles()
		all.room = tt.room
		all.add(workload.File{ConfigMap: "f"}, stored, false)
		listed, kept := all.listed[0], len(all.kept["f"].Content)
		if want := tt.size; (listed.State == v1alpha1.FileTooLarge) != tt.omitted || !history.SameContent(listed, stored) || kept != map[bool]int{false: want}[tt.omitted] {
			t.Errorf("%s: %s, %d bytes kept", name, listed.State, kept)
		}
	}
}

func TestOnlyWhatWasWrittenBeforeIsTakenAsItIs(t *testing.T) {
	at := func(version string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ResourceVersion: version}}
	}
	for name, tt := range map[string]struct {
		stored *corev1.ConfigMap
		want   bool
	}{
		"Before":     {at("99"), true},
		"Together":   {at("100"), true},
		"After":      {at("101"), false},
		"Gone":       {nil, false},
		"NoVersion":  {at(""), false},
		"NotANumber": {at("abc"), false},
	} {
		if got := notAfter(tt.stored, "100"); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
