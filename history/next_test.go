package history

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

func labelled(d *appsv1.Deployment)  { d.Labels = map[string]string{"team": "x"} }
func recreated(d *appsv1.Deployment) { d.UID = "2" }
func byReprise(d *appsv1.Deployment) {
	d.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "reprise"}}
}

// TestNext compares what the next revision says about its predecessor.
func TestNext(t *testing.T) {
	type facts struct {
		Name, Change, Manager    string
		Phase                    v1alpha1.Phase
		Number, Rollback, Target int64
		FilesOnly, Adopted       bool
	}
	healthy := recorded(t, nil, deployment("x:1"), v1alpha1.PhaseHealthy)
	failed := recorded(t, healthy, deployment("x:2"), v1alpha1.PhaseFailed)
	rollingBack := recorded(t, healthy, deployment("x:2"), v1alpha1.PhaseFailed)
	rollingBack[1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1, ToIntentHash: healthy[0].Spec.IntentHash}
	overtaken := recorded(t, healthy, deployment("x:2"), v1alpha1.PhaseFailed)
	overtaken[1].Status.Rollback = rollingBack[1].Status.Rollback.DeepCopy()
	HoldRollback(&overtaken[1].Status, v1alpha1.HoldOvertaken, "a newer deploy arrived", now)
	unreadable := recorded(t, nil, deployment("x:1"), v1alpha1.PhaseHealthy)
	unreadable[0].Spec.Snapshot.Encoding = "zstd+cbor/v2"
	adopted := History{*next(t, nil, deployment("x:1"), NewFiles(), Arrival{Adoption: AdoptedInitially})}
	const change = "containers.main.image 1 → 2"
	for name, tt := range map[string]struct {
		reason  string
		history History
		d       *appsv1.Deployment
		arrival Arrival
		want    facts
	}{
		"First": {
			"the first revision has number 1 and no change", nil, deployment("x:1"), Arrival{},
			facts{Name: "a-1", Number: 1, Manager: "ci", Phase: v1alpha1.PhaseProgressing},
		},
		"Adopted": {
			"a deployment that was not watched starts as Unknown", nil, deployment("x:1"), Arrival{Adoption: AdoptedInitially},
			facts{Name: "a-1", Number: 1, Manager: "ci", Phase: v1alpha1.PhaseUnknown, Adopted: true},
		},
		"LabelledAfterAdoption": {
			"the rollout is the one that was not watched", adopted, deployment("x:1", labelled), Arrival{},
			facts{Name: "a-2", Number: 2, Manager: "ci", Phase: v1alpha1.PhaseUnknown, Change: "labels added (team x)", Adopted: true},
		},
		"Changed": {
			"a new image is rolled out", healthy, deployment("x:2"), Arrival{},
			facts{Name: "a-2", Number: 2, Manager: "ci", Phase: v1alpha1.PhaseProgressing, Change: change},
		},
		"ChangedAfterGap": {
			"changes before it may be missing", healthy, deployment("x:2"), Arrival{Adoption: AdoptedAfterGap},
			facts{Name: "a-2", Number: 2, Manager: "ci", Phase: v1alpha1.PhaseUnknown, Change: change, Adopted: true},
		},
		"SameTemplate": {
			"nothing is rolled out, so Healthy is inherited", healthy, deployment("x:1", labelled), Arrival{},
			facts{Name: "a-2", Number: 2, Manager: "ci", Phase: v1alpha1.PhaseHealthy, Change: "labels added (team x)"},
		},
		"SameTemplateOfFailed": {
			"only Healthy is inherited", failed, deployment("x:2", labelled), Arrival{},
			facts{Name: "a-3", Number: 3, Manager: "ci", Phase: v1alpha1.PhaseProgressing, Change: "labels added (team x)"},
		},
		"Recreated": {
			"a workload that was deleted and created again keeps its history and is assessed anew", healthy, deployment("x:1", recreated), Arrival{},
			facts{Name: "a-2", Number: 2, Manager: "ci", Phase: v1alpha1.PhaseProgressing, Change: "no change"},
		},
		"Rollback": {
			"Reprise's own write of the planned intent", rollingBack, deployment("x:1", byReprise), Arrival{},
			facts{Name: "a-3", Number: 3, Manager: "reprise", Phase: v1alpha1.PhaseProgressing, Change: "containers.main.image 2 → 1", Rollback: 2, Target: 1},
		},
		"RollbackAfterGap": {
			"a rollback is never adopted: the plan is known", rollingBack, deployment("x:1", byReprise), Arrival{Adoption: AdoptedAfterGap},
			facts{Name: "a-3", Number: 3, Manager: "reprise", Phase: v1alpha1.PhaseProgressing, Change: "containers.main.image 2 → 1", Rollback: 2, Target: 1},
		},
		"RollbackHandedOver": {
			"the fields have their owners back already, and the plan is not on hold", rollingBack, deployment("x:1"), Arrival{},
			facts{Name: "a-3", Number: 3, Manager: "reprise", Phase: v1alpha1.PhaseProgressing, Change: "containers.main.image 2 → 1", Rollback: 2, Target: 1},
		},
		"OtherDeployDuringRollback": {
			"another intent than the planned one is no rollback", rollingBack, deployment("x:3", byReprise), Arrival{},
			facts{Name: "a-3", Number: 3, Manager: "", Phase: v1alpha1.PhaseProgressing, Change: "containers.main.image 2 → 3"},
		},
		"RollbackOvertaken": {
			"the rollback was stored, then a fix came, and the field manager tells", overtaken, deployment("x:1", byReprise), Arrival{},
			facts{Name: "a-3", Number: 3, Manager: "reprise", Phase: v1alpha1.PhaseProgressing, Change: "containers.main.image 2 → 1", Rollback: 2, Target: 1},
		},
		"DeployedByHandWhileOnHold": {
			"a user restored the old intent: that is no rollback of Reprise", overtaken, deployment("x:1"), Arrival{},
			facts{Name: "a-3", Number: 3, Manager: "ci", Phase: v1alpha1.PhaseProgressing, Change: "containers.main.image 2 → 1"},
		},
		"UnreadableSnapshot": {
			"a damaged snapshot must not keep the next deploy from being recorded", unreadable, deployment("x:2"), Arrival{},
			facts{Name: "a-2", Number: 2, Manager: "ci", Phase: v1alpha1.PhaseProgressing, Change: "unknown: the snapshot of #1 cannot be read"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := next(t, tt.history, tt.d, NewFiles(), tt.arrival)
			got := facts{
				Name: r.Name, Number: r.Spec.Number, Change: r.Spec.ChangeSummary, Manager: r.Spec.FieldManager, Phase: r.Status.Phase,
				Rollback: r.Spec.RollbackOf, Target: r.Spec.RestoredFrom, FilesOnly: r.FilesOnly(), Adopted: r.IsAdopted(),
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, d)
			}
		})
	}
}

func TestNext_Spec(t *testing.T) {
	d := deployment("registry.example/team/x@sha256:0123456789abcdef", func(d *appsv1.Deployment) {
		d.Annotations["kubernetes.io/change-cause"] = "ticket 7"
		d.Annotations["meta.helm.sh/release-name"] = "web"
	})
	d.Generation = 3
	r := next(t, nil, d, file("one\n"), Arrival{Skipped: 3})
	snapshot, err := ToDiffRevision(r)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(workload.IntentOf(d), snapshot.Intent); d != "" {
		t.Errorf("the snapshot's intent (-want +got):\n%s", d)
	}
	got := r.Spec
	got.Snapshot = v1alpha1.Snapshot{}
	want := v1alpha1.WorkloadRevisionSpec{
		Number: 1, WorkloadRef: v1alpha1.WorkloadReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "a", UID: "1"},
		IntentHash: workload.IntentOf(d).Hash(), TemplateHash: workload.TemplateHash(&d.Spec.Template),
		FilesDigest: file("one\n").Digest(), Files: file("one\n").listed,
		Images: "x@sha256:01234567", FieldManager: "ci", DeliveredBy: "Helm release web", ChangeCause: "ticket 7",
		AcceptedTime: metav1.NewTime(now), ResourceVersion: "10", SkippedRevisions: 3,
		WorkloadGeneration: 3, ChangeScope: v1alpha1.ChangeInitial,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestNext_Files(t *testing.T) {
	d := deployment("x:1")
	before := next(t, nil, d, file("one\n"), Arrival{})
	before.Status.Phase = v1alpha1.PhaseHealthy
	same := next(t, History{*before}, d, file("one\n"), Arrival{})
	if same.FilesOnly() || same.Status.Phase != v1alpha1.PhaseHealthy {
		t.Errorf("equal files: files only %v, %s", same.FilesOnly(), same.Status.Phase)
	}
	after := next(t, History{*before}, d, file("two\n"), Arrival{})
	if !after.FilesOnly() || after.Status.Phase != v1alpha1.PhaseProgressing || after.Spec.FieldManager != "kubectl" ||
		!strings.Contains(after.Spec.ChangeSummary, "containers.main.files./etc/app.conf") {
		t.Errorf("files only %v, %s, by %s: %s", after.FilesOnly(), after.Status.Phase, after.Spec.FieldManager, after.Spec.ChangeSummary)
	}
	contents, err := DecodeSnapshot(after)
	if err != nil {
		t.Fatal(err)
	}
	if got := contents.Files["a-main-file-0123456789"]; string(got.Content) != "two\n" || len(got.ManagedFields) != 1 {
		t.Errorf("the snapshot holds %q of %v", got.Content, got.ManagedFields)
	}
}

func TestNext_OwnersAfterRollback(t *testing.T) {
	h := recorded(t, nil, deployment("x:1"), v1alpha1.PhaseHealthy)
	h = recorded(t, h, deployment("x:2"), v1alpha1.PhaseFailed)
	h[1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1, ToIntentHash: h[0].Spec.IntentHash}
	damaged := append(History{}, h...)
	damaged[0].Spec.Snapshot.Data = ""
	for name, tt := range map[string]struct {
		reason  string
		history History
		want    string
	}{
		"Target":  {"the live owners may be those between the rollback's two writes", h, "kubectl-client-side-apply"},
		"Damaged": {"the target's snapshot cannot be read any more", damaged, "reprise"},
		"Pruned":  {"the target was deleted", h[1:], "reprise"},
	} {
		t.Run(name, func(t *testing.T) {
			contents, err := DecodeSnapshot(next(t, tt.history, deployment("x:1", byReprise), NewFiles(), Arrival{}))
			if err != nil {
				t.Fatal(err)
			}
			if len(contents.ManagedFields) == 0 || contents.ManagedFields[0].Manager != tt.want {
				t.Errorf("%s: %+v, want %s first", tt.reason, contents.ManagedFields, tt.want)
			}
		})
	}
}

func TestNext_KeepsUnknownFields(t *testing.T) {
	raw := observed(t, deployment("x:1")).Raw
	containers, _, err := unstructured.NestedSlice(raw.Object, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	containers[0].(map[string]any)["madeUp"] = map[string]any{"large": int64(1<<62 + 1), "html": "<&>"}
	if err := unstructured.SetNestedSlice(raw.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		t.Fatal(err)
	}
	o, err := Observe(raw)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Next(Predecessors{}, o, NewFiles(), Arrival{}, now)
	if err != nil {
		t.Fatal(err)
	}
	contents, err := DecodeSnapshot(r)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(workload.RawIntentOf(raw), contents.Intent); d != "" {
		t.Errorf("(-stored +saved)\n%s", d)
	}
}

func TestNext_TooLarge(t *testing.T) {
	const seed = 1
	noise := make([]byte, etcdRequest) // Random bytes cannot be compressed.
	if _, err := rand.NewChaCha8([32]byte{seed}).Read(noise); err != nil {
		t.Fatal(err)
	}
	d := deployment("x:1", func(d *appsv1.Deployment) { d.Annotations["noise"] = string(noise) })
	if _, err := Next(Predecessors{}, observed(t, d), NewFiles(), Arrival{}, now); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func TestPredecessors(t *testing.T) {
	h := recorded(t, nil, deployment("x:1"), v1alpha1.PhaseHealthy)
	at := func(version string) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) { d.ResourceVersion = version }
	}
	for name, tt := range map[string]struct {
		reason                 string
		p                      Predecessors
		d                      *appsv1.Deployment
		files                  *Files
		recorded, filesChanged bool
	}{
		"Nothing":   {"nothing is recorded", Predecessors{}, deployment("x:1"), file("x"), false, false},
		"Same":      {"the newest revision is of this intent", Predecessors{Newest: &h[0]}, deployment("x:1", at("11")), NewFiles(), true, false},
		"Files":     {"only the files differ", Predecessors{Newest: &h[0]}, deployment("x:1", at("11")), file("x"), true, true},
		"New":       {"a newer intent", Predecessors{Newest: &h[0]}, deployment("x:2", at("11")), file("x"), false, false},
		"Replayed":  {"an older intent, replayed from a checkpoint", Predecessors{Newest: &h[0]}, deployment("x:0", at("9")), file("x"), true, false},
		"NoOrder":   {"versions that cannot be compared", Predecessors{Newest: &h[0]}, deployment("x:2", at("abc")), file("x"), false, false},
		"Recreated": {"the same intent of another Deployment", Predecessors{Newest: &h[0]}, deployment("x:1", recreated, at("11")), file("x"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := observed(t, tt.d)
			if got := tt.p.Recorded(o); got != tt.recorded {
				t.Errorf("%s: recorded %v", tt.reason, got)
			}
			if got := tt.p.FilesChanged(o, tt.files); got != tt.filesChanged {
				t.Errorf("%s: files changed %v", tt.reason, got)
			}
		})
	}
}

func TestPredecessors_RollingBack(t *testing.T) {
	r := &v1alpha1.WorkloadRevision{}
	for name, tt := range map[string]struct {
		p      Predecessors
		status v1alpha1.WorkloadRevisionStatus
		want   bool
	}{
		"Nothing":  {Predecessors{}, v1alpha1.WorkloadRevisionStatus{}, false},
		"None":     {Predecessors{Newest: r}, v1alpha1.WorkloadRevisionStatus{}, false},
		"Planned":  {Predecessors{Newest: r}, v1alpha1.WorkloadRevisionStatus{Rollback: &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1}}, true},
		"Complete": {Predecessors{Newest: r}, v1alpha1.WorkloadRevisionStatus{Rollback: &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1}}, false},
	} {
		r.Status = tt.status
		if got := tt.p.RollingBack(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestNext_Restart records a restart of a healthy revision: its pods are assessed. What changes no
// pod takes over the verdict and what the pods ran.
func TestNext_Restart(t *testing.T) {
	mark := func(key string) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{key: "2026-11-22T12:00:00Z"}
		}
	}
	for name, tt := range map[string]struct {
		change func(*appsv1.Deployment)
		scope  v1alpha1.ChangeScope
		phase  v1alpha1.Phase
	}{
		"Kubectl":   {mark("kubectl.kubernetes.io/restartedAt"), v1alpha1.ChangeRestart, v1alpha1.PhaseProgressing},
		"Rancher":   {mark("cattle.io/timestamp"), v1alpha1.ChangeRestart, v1alpha1.PhaseProgressing},
		"Reloader":  {mark("reloader.stakater.com/last-reloaded-from"), v1alpha1.ChangeRestart, v1alpha1.PhaseProgressing},
		"Setting":   {mark(v1alpha1.BakeTimeAnnotation), v1alpha1.ChangeRestart, v1alpha1.PhaseProgressing},
		"Annotated": {func(d *appsv1.Deployment) { d.Spec.Template.Annotations = map[string]string{"example.com/config": "2"} }, v1alpha1.ChangePodTemplate, v1alpha1.PhaseProgressing},
		"Labelled":  {labelled, v1alpha1.ChangeOtherFields, v1alpha1.PhaseHealthy},
	} {
		h := recorded(t, nil, deployment("x:1"), v1alpha1.PhaseHealthy)
		h[0].Status.Images = ran("main", "x:1", "sha256:a")
		r, err := Next(Predecessors{LastNumber: 1, Newest: &h[0]}, observed(t, deployment("x:1", tt.change)), NewFiles(), Arrival{}, now)
		if err != nil {
			t.Fatal(err)
		}
		if r.Spec.ChangeScope != tt.scope || r.Status.Phase != tt.phase {
			t.Errorf("%s: %s, %s; want %s, %s", name, r.Spec.ChangeScope, r.Status.Phase, tt.scope, tt.phase)
		}
		if inherits := len(r.Status.Images) > 0; inherits != (tt.phase == v1alpha1.PhaseHealthy) {
			t.Errorf("%s: it ran %+v", name, r.Status.Images)
		}
	}
}

// TestNext_AcceptedTime has a change of metadata alone go on with the rollout that it finds.
func TestNext_AcceptedTime(t *testing.T) {
	later := now.Add(time.Hour)
	restarted := func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations = map[string]string{"kubectl.kubernetes.io/restartedAt": "now"}
	}
	for name, tt := range map[string]struct {
		phase  v1alpha1.Phase
		change func(*appsv1.Deployment)
		goesOn bool
	}{
		"Labelled":     {v1alpha1.PhaseProgressing, labelled, true},
		"Annotated":    {v1alpha1.PhaseProgressing, func(d *appsv1.Deployment) { d.Annotations["a.controller/found"] = "x" }, true},
		"Restarted":    {v1alpha1.PhaseProgressing, restarted, false},
		"Faster":       {v1alpha1.PhaseProgressing, func(d *appsv1.Deployment) { d.Spec.MinReadySeconds = 3 }, false},
		"AfterVerdict": {v1alpha1.PhaseFailed, labelled, false},
	} {
		h := recorded(t, nil, deployment("x:1"), tt.phase)
		r, err := Next(Predecessors{LastNumber: 1, Newest: &h[0]}, observed(t, deployment("x:1", tt.change)), NewFiles(), Arrival{}, later)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Spec.AcceptedTime.Equal(&h[0].Spec.AcceptedTime); got != tt.goesOn {
			t.Errorf("%s: accepted at %s, the one before at %s", name, r.Spec.AcceptedTime, h[0].Spec.AcceptedTime)
		}
	}
}
