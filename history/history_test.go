package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func deployment(image string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "a", UID: "1", Annotations: map[string]string{workload.NameAnnotation: "a"},
			ManagedFields: []metav1.ManagedFieldsEntry{
				{Manager: "kubectl-client-side-apply", Time: &metav1.Time{Time: now.Add(-time.Hour)}},
				{Manager: "ci", Time: &metav1.Time{Time: now}},
				{Manager: "kube-controller-manager", Subresource: "status", Time: &metav1.Time{Time: now.Add(time.Hour)}},
			},
		},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
		}},
	}
}

// captureOf is what the watch would bring of a Deployment.
func captureOf(t *testing.T, d *appsv1.Deployment) capture {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	return capture{deployment: d, raw: &unstructured.Unstructured{Object: object}}
}

// record appends what the recorder would write of a Deployment.
func record(t *testing.T, h History, d *appsv1.Deployment) History {
	t.Helper()
	p := predecessors{files: newFiles()}
	if p.newest = h.Newest(); p.newest != nil {
		p.last = p.newest.Spec.Number
		if plan := p.newest.Status.Rollback; plan != nil {
			p.target = h.Number(plan.To)
		}
	}
	next, err := p.next(captureOf(t, d), now)
	if err != nil {
		t.Fatal(err)
	}
	return append(h, *next)
}

func TestARevisionHoldsTheWholeIntentAndWhoChangedIt(t *testing.T) {
	d := deployment("x:1")
	h := record(t, nil, d)
	r := h.Newest()
	held, err := Comparable(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(workload.IntentOf(d), held.Intent); diff != "" {
		t.Errorf("the intent (-want +got)\n%s", diff)
	}
	if r.Name != "a-1" || r.Spec.Number != 1 || r.Spec.By != "ci" || r.Spec.Images != "x:1" || r.Status.Phase != v1alpha1.PhaseProgressing {
		t.Errorf("got %s #%d by %s of %s in %s", r.Name, r.Spec.Number, r.Spec.By, r.Spec.Images, r.Status.Phase)
	}
}

func TestANewRevisionSaysWhatChanged(t *testing.T) {
	h := record(t, record(t, nil, deployment("x:1")), deployment("x:2"))
	if got := h.Newest().Spec; got.Number != 2 || got.Change != "containers.main.image 1 → 2" {
		t.Errorf("got #%d %q", got.Number, got.Change)
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
	h[1].Status.Rollback = &v1alpha1.Rollback{To: 1, ToIntentHash: h[0].Spec.IntentHash}

	between := deployment("x:1")
	between.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "reprise"}}
	restored := record(t, h, between).Newest()
	if restored.Spec.RollbackOf != 2 || restored.Spec.Restores != 1 || restored.Spec.By != "reprise" {
		t.Errorf("a rollback of %d to %d by %s", restored.Spec.RollbackOf, restored.Spec.Restores, restored.Spec.By)
	}
	contents, err := Open(restored)
	if err != nil {
		t.Fatal(err)
	}
	if len(contents.ManagedFields) != 3 || contents.ManagedFields[0].Manager != "kubectl-client-side-apply" {
		t.Errorf("the ownership is that between the two writes: %+v", contents.ManagedFields)
	}
	if fix := record(t, h, deployment("x:3")).Newest(); fix.Spec.RollbackOf != 0 {
		t.Errorf("another deploy is taken for the rollback of %d", fix.Spec.RollbackOf)
	}
	h[1].Status.Hold = "a newer deploy arrived and wins"
	if restored := record(t, h, between).Newest(); restored.Spec.RollbackOf != 2 {
		t.Error("the rollback was stored and then overtaken by a fix, and is not recognised")
	}
	if again := record(t, h, good).Newest(); again.Spec.RollbackOf != 0 {
		t.Error("the good one, deployed by hand where the rollback is held, is taken for the rollback")
	}
}

func TestAnAdoptedRevisionStartsUnknown(t *testing.T) {
	c := captureOf(t, deployment("x:1"))
	c.adopted = adoptedInitially
	r, err := predecessors{files: newFiles()}.next(c, now)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status.Phase != v1alpha1.PhaseUnknown || !Adopted(r) {
		t.Errorf("got %s, adopted %v", r.Status.Phase, Adopted(r))
	}
}

func TestNamesFitWhateverTheWorkloadIsCalled(t *testing.T) {
	long := strings.Repeat("a", 253)
	names := map[string]bool{}
	for _, name := range []string{"a", long, long[:252] + "b", strings.Repeat("a", 120) + "." + strings.Repeat("b", 132)} {
		for _, number := range []int64{1, 12345678} {
			got := Name(name, number)
			if problems := validation.IsDNS1123Subdomain(got); len(problems) > 0 || !strings.HasSuffix(got, fmt.Sprint(number)) {
				t.Errorf("%q: %v", got, problems)
			}
			names[got] = true
		}
	}
	if len(names) != 8 {
		t.Errorf("%d names for 8 revisions", len(names))
	}
}

func TestPruningKeepsWhatARollbackNeeds(t *testing.T) {
	var h History
	for i, phase := range []v1alpha1.Phase{"Healthy", "Superseded", "RolledBack", "Superseded", "Failed", "Progressing"} {
		h = append(h, v1alpha1.Revision{
			Spec: v1alpha1.RevisionSpec{Number: int64(i + 1)}, Status: v1alpha1.RevisionStatus{Phase: phase},
		})
	}
	h[4].Status.Rollback = &v1alpha1.Rollback{To: 2, StartedAt: metav1.NewTime(now.Add(-2 * time.Hour))}
	h[2].Status.Rollback = &v1alpha1.Rollback{To: 1, StartedAt: metav1.NewTime(now.Add(-time.Minute)), DoneAt: &metav1.Time{Time: now}}
	for limit, want := range map[int]string{10: "", 6: "", 5: "4", 2: "4"} {
		var got []string
		for _, r := range h.Expired(limit, now) {
			got = append(got, fmt.Sprint(r.Spec.Number))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("limit %d: pruned %v, want %q", limit, got, want)
		}
	}
}

func TestQuarantineDoublesWithEveryFailureAndEnds(t *testing.T) {
	failed := func(at time.Duration) v1alpha1.Revision {
		return v1alpha1.Revision{
			Spec:   v1alpha1.RevisionSpec{TemplateHash: "bad"},
			Status: v1alpha1.RevisionStatus{Phase: v1alpha1.PhaseRolledBack, PhaseSince: &metav1.Time{Time: now.Add(at)}},
		}
	}
	byFiles := failed(0)
	byFiles.Spec.FilesOnly = true
	healthy := failed(0)
	healthy.Status.Phase = v1alpha1.PhaseHealthy
	tests := map[string]struct {
		reason  string
		history History
		hash    string
		want    time.Duration
	}{
		"First":   {"two minutes after the first failure", History{failed(0)}, "bad", 2 * time.Minute},
		"Second":  {"four after the second", History{failed(-time.Hour), failed(0)}, "bad", 4 * time.Minute},
		"Many":    {"an hour at most", History{failed(0), failed(0), failed(0), failed(0), failed(0), failed(0), failed(0), failed(0)}, "bad", time.Hour},
		"Over":    {"the pause ends", History{failed(-2 * time.Minute)}, "bad", 0},
		"Other":   {"another template is free", History{failed(0)}, "good", 0},
		"Healed":  {"a template that became healthy since is free", History{failed(0), healthy}, "bad", 0},
		"Files":   {"a failure by files alone refuses nothing: admission does not see files", History{byFiles}, "bad", 0},
		"Relapse": {"and starts anew", History{failed(0), healthy, failed(0)}, "bad", 2 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			failure, until := tt.history.Quarantined(tt.hash, now)
			if (failure != nil) != (tt.want > 0) {
				t.Fatalf("%s: got %v", tt.reason, failure)
			}
			if failure != nil && until.Sub(now) != tt.want {
				t.Errorf("%s: refused for %s, want %s", tt.reason, until.Sub(now), tt.want)
			}
		})
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
