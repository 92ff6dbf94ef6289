package recorder

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

func TestARevisionHoldsTheWholeIntentAndWhoChangedIt(t *testing.T) {
	d := deployment("x:1")
	h := record(t, nil, d)
	r := h.Newest()
	held, err := history.ToDiffRevision(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(workload.IntentOf(d), held.Intent); diff != "" {
		t.Errorf("the intent (-want +got)\n%s", diff)
	}
	if r.Name != "a-1" || r.Spec.Number != 1 || r.Spec.FieldManager != "ci" || r.Spec.Images != "x:1" || r.Status.Phase != v1alpha1.PhaseProgressing {
		t.Errorf("got %s #%d by %s of %s in %s", r.Name, r.Spec.Number, r.Spec.FieldManager, r.Spec.Images, r.Status.Phase)
	}
}

func TestANewRevisionSaysWhatChanged(t *testing.T) {
	h := record(t, record(t, nil, deployment("x:1")), deployment("x:2"))
	if got := h.Newest().Spec; got.Number != 2 || got.ChangeSummary != "containers.main.image 1 → 2" {
		t.Errorf("got #%d %q", got.Number, got.ChangeSummary)
	}
}

func TestAnUnchangedTemplateInheritsHealthyAndNothingElse(t *testing.T) {
	labelled := deployment("x:1")
	labelled.Labels = map[string]string{"team": "x"}
	for phase, want := range map[v1alpha1.Phase]v1alpha1.Phase{
		v1alpha1.PhaseHealthy: v1alpha1.PhaseHealthy,
		v1alpha1.PhaseFailed:  v1alpha1.PhaseProgressing,
		v1alpha1.PhaseUnknown: v1alpha1.PhaseProgressing,
	} {
		h := record(t, nil, deployment("x:1"))
		h[0].Status.Phase = phase
		if got := record(t, h, labelled).Newest().Status.Phase; got != want {
			t.Errorf("after %s the same template is %s, want %s", phase, got, want)
		}
	}
}

func TestReprisesOwnRollbackIsRecognisedByItsWriteAhead(t *testing.T) {
	good := deployment("x:1")
	h := record(t, nil, good)
	h[0].Status.Phase = v1alpha1.PhaseHealthy
	h = record(t, h, deployment("x:2"))
	h[1].Status.Phase = v1alpha1.PhaseFailed
	h[1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1, ToIntentHash: h[0].Spec.IntentHash}

	between := deployment("x:1")
	between.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "reprise"}}
	restored := record(t, h, between).Newest()
	if restored.Spec.RollbackOf != 2 || restored.Spec.RestoredFrom != 1 || restored.Spec.FieldManager != "reprise" {
		t.Errorf("a rollback of %d to %d by %s", restored.Spec.RollbackOf, restored.Spec.RestoredFrom, restored.Spec.FieldManager)
	}
	contents, err := history.DecodeSnapshot(restored)
	if err != nil {
		t.Fatal(err)
	}
	if len(contents.ManagedFields) != 3 || contents.ManagedFields[0].Manager != "kubectl-client-side-apply" {
		t.Errorf("the ownership is that between the two writes: %+v", contents.ManagedFields)
	}
	if fix := record(t, h, deployment("x:3")).Newest(); fix.Spec.RollbackOf != 0 {
		t.Errorf("another deploy is taken for the rollback of %d", fix.Spec.RollbackOf)
	}
	history.HoldRollback(&h[1].Status, v1alpha1.HoldOvertaken, "a newer deploy arrived and wins", now)
	if restored := record(t, h, between).Newest(); restored.Spec.RollbackOf != 2 {
		t.Error("the rollback was stored and then overtaken by a fix, and is not recognised")
	}
	if again := record(t, h, good).Newest(); again.Spec.RollbackOf != 0 {
		t.Error("the good one, deployed by hand where the rollback is held, is taken for the rollback")
	}
}

func TestAnAdoptedRevisionStartsUnknown(t *testing.T) {
	c := captureOf(t, deployment("x:1"))
	c.adopted = v1alpha1.ReasonInitialList
	r, err := predecessors{files: newFiles()}.newRevision(c, now)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status.Phase != v1alpha1.PhaseUnknown || !r.IsAdopted() {
		t.Errorf("got %s, adopted %v", r.Status.Phase, r.IsAdopted())
	}
}

func TestAWorkloadMadeAgainKeepsItsHistoryAndIsJudgedAnew(t *testing.T) {
	h := record(t, nil, deployment("x:1"))
	h[0].Status.Phase = v1alpha1.PhaseHealthy
	again := deployment("x:1")
	again.UID = "2"
	if got := record(t, h, again).Newest(); got.Spec.Number != 2 || got.Status.Phase != v1alpha1.PhaseProgressing {
		t.Errorf("got #%d %s, want #2 Progressing", got.Spec.Number, got.Status.Phase)
	}
}

func TestASnapshotKeepsWhatTheTypesDoNotKnow(t *testing.T) {
	stored := captureOf(t, deployment("x:1")).raw
	containers, _, err := unstructured.NestedSlice(stored.Object, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	containers[0].(map[string]any)["madeUp"] = map[string]any{"large": int64(1<<62 + 1), "html": "<&>"}
	if err := unstructured.SetNestedSlice(stored.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		t.Fatal(err)
	}
	var c observedIntent
	f := deploymentWatch{
		sights: lastSeen{}, ledger: &watchProgress{}, wanted: func(string) bool { return true },
		push: func(pushed observedIntent) { c = pushed },
	}
	f.offer(t.Context(), stored, "")
	r, err := predecessors{files: newFiles()}.newRevision(c, now)
	if err != nil {
		t.Fatal(err)
	}
	contents, err := history.DecodeSnapshot(r)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(workload.RawIntentOf(stored), contents.Intent); d != "" {
		t.Errorf("(-stored +kept)\n%s", d)
	}
}

func TestADeployAfterAnUnreadableSnapshotIsRecorded(t *testing.T) {
	unreadable := record(t, nil, deployment("x:1"))
	unreadable[0].Spec.Snapshot.Encoding = "zstd+cbor/v2"
	next := record(t, unreadable, deployment("x:2")).Newest()
	if next.Spec.Number != 2 || !strings.Contains(next.Spec.ChangeSummary, "cannot be told") {
		t.Errorf("the next deploy is #%d, %q", next.Spec.Number, next.Spec.ChangeSummary)
	}
}
