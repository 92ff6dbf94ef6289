package history

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"reprise.dev/reprise/api/v1alpha1"
)

func TestName(t *testing.T) {
	long := strings.Repeat("a", 253)
	// A workload may be called like the shortened name of another one.
	shortened := strings.TrimSuffix(Name(long, 1), "-1")
	names := map[string]bool{}
	for _, name := range []string{"a", long, long[:252] + "b", strings.Repeat("a", 120) + "." + strings.Repeat("b", 132), shortened, strings.Repeat("a", 217) + "." + strings.Repeat("b", 35)} {
		for _, number := range []int64{1, 12345678} {
			got := Name(name, number)
			if problems := validation.IsDNS1123Subdomain(got); len(problems) > 0 || !strings.HasSuffix(got, fmt.Sprint(number)) {
				t.Errorf("%q: %v", got, problems)
			}
			names[got] = true
		}
	}
	if len(names) != 12 {
		t.Errorf("%d names for 12 revisions", len(names))
	}
}

// phases returns a history of these phases, numbered from 1.
func phases(all ...v1alpha1.Phase) History {
	var h History
	for i, phase := range all {
		h = append(h, v1alpha1.WorkloadRevision{
			Spec: v1alpha1.WorkloadRevisionSpec{Number: int64(i + 1)}, Status: v1alpha1.WorkloadRevisionStatus{Phase: phase},
		})
	}
	return h
}

// number returns a revision's number, 0 for nil.
func number(r *v1alpha1.WorkloadRevision) int64 {
	if r == nil {
		return 0
	}
	return r.Spec.Number
}

func TestHistory(t *testing.T) {
	open := phases("Healthy", "Failed", "Progressing")
	open[1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1}
	held := phases("Healthy", "Failed")
	held[1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackHeld, ToRevision: 1}
	complete := phases("Healthy", "RolledBack")
	complete[1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1}
	recreated, healthyAgain := phases("Healthy", "Failed"), phases("Healthy", "Healthy", "Failed")
	recreated[1].Spec.WorkloadRef.UID = "new"
	healthyAgain[1].Spec.WorkloadRef.UID, healthyAgain[2].Spec.WorkloadRef.UID = "new", "new"
	redacted := phases("Healthy", "Healthy")
	redacted[1].Annotations = map[string]string{v1alpha1.RedactAnnotation: "a credential"}
	unsorted := phases("Healthy", "Failed", "Progressing")
	unsorted[0], unsorted[2] = unsorted[2], unsorted[0]
	for name, tt := range map[string]struct {
		history               History
		newest, healthy, open int64
	}{
		"Empty":       {nil, 0, 0, 0},
		"Unsorted":    {Sort(unsorted), 3, 1, 0},
		"Open":        {open, 3, 1, 2},
		"Held":        {held, 2, 1, 0},
		"Complete":    {complete, 2, 1, 0},
		"TwoHealthy":  {phases("Healthy", "Healthy", "Superseded"), 3, 2, 0},
		"Recreated":   {recreated, 2, 0, 0},
		"NewHealthy":  {healthyAgain, 3, 2, 0},
		"Redacted":    {redacted, 2, 1, 0},
		"NoneHealthy": {phases("Failed"), 1, 0, 0},
	} {
		got := []int64{number(tt.history.Newest()), number(tt.history.LastHealthy()), number(tt.history.OpenRollback())}
		if d := cmp.Diff([]int64{tt.newest, tt.healthy, tt.open}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if got := number(open.Number(2)); got != 2 || open.Number(4) != nil {
		t.Errorf("number 2 is %d, number 4 is %v", got, open.Number(4))
	}
}

func TestHistory_Live(t *testing.T) {
	h := recorded(t, nil, deployment("x:1"), v1alpha1.PhaseProgressing)
	incomplete := recorded(t, nil, deployment("x:1"), "")
	for name, tt := range map[string]struct {
		reason  string
		history History
		d       *appsv1.Deployment
		want    int64
	}{
		"Empty":      {"nothing is recorded", nil, deployment("x:1"), 0},
		"Live":       {"the newest is of this intent", h, deployment("x:1"), 1},
		"Changed":    {"a newer intent is not recorded yet", h, deployment("x:2"), 0},
		"Recreated":  {"another Deployment of that name", h, deployment("x:1", recreated), 0},
		"Incomplete": {"a revision without a phase is not recorded", incomplete, deployment("x:1"), 0},
	} {
		if got := number(tt.history.Live(IdentityOf(tt.d))); got != tt.want {
			t.Errorf("%s: %s: #%d, want #%d", name, tt.reason, got, tt.want)
		}
	}
}

func TestHistory_Prunable(t *testing.T) {
	h := phases("Healthy", "Superseded", "RolledBack", "Superseded", "Failed", "Progressing")
	h[4].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 2, StartTime: metav1.NewTime(now.Add(-2 * time.Hour))}
	h[2].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1, StartTime: metav1.NewTime(now.Add(-time.Minute)), CompletionTime: &metav1.Time{Time: now}}
	quarantined := phases("Healthy", "Failed", "Superseded", "Progressing")
	quarantined[1].Spec.TemplateHash = "bad"
	quarantined[1].Status.PhaseTransitionTime = &metav1.Time{Time: now}
	noisy := phases("RolledBack", "Healthy", "Superseded", "Superseded", "Healthy", "Healthy", "Progressing")
	for _, i := range []int{2, 3, 4, 5} {
		noisy[i].Spec.ChangeScope = v1alpha1.ChangeOtherFields
	}
	for name, tt := range map[string]struct {
		history History
		limit   int
		want    string
	}{
		"Empty":       {nil, 2, ""},
		"BelowLimit":  {h, 10, ""},
		"AtLimit":     {h, 6, ""},
		"Noisy":       {noisy, 4, "3 4 5"},
		"NoisyTooFew": {noisy, 3, "3 4 5 1"},
		"One":         {h, 5, "4"},
		"Needed":      {h, 2, "4"},
		"Quarantined": {quarantined, 2, "3"},
		"Oldest":      {phases("Superseded", "Superseded", "Superseded", "Healthy", "Progressing"), 3, "1 2"},
	} {
		var got []string
		for _, r := range tt.history.Prunable(tt.limit, now) {
			got = append(got, fmt.Sprint(r.Spec.Number))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: pruned %v, want %q", name, got, tt.want)
		}
	}
}

func TestHistory_Quarantined(t *testing.T) {
	failed := func(at time.Duration, changes ...func(*v1alpha1.WorkloadRevision)) v1alpha1.WorkloadRevision {
		r := v1alpha1.WorkloadRevision{
			Spec:   v1alpha1.WorkloadRevisionSpec{Number: 5, TemplateHash: "bad"},
			Status: v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseRolledBack, PhaseTransitionTime: &metav1.Time{Time: now.Add(at)}},
		}
		for _, change := range changes {
			change(&r)
		}
		return r
	}
	byFiles := func(r *v1alpha1.WorkloadRevision) { r.Spec.ChangeScope = v1alpha1.ChangeFilesOnly }
	healthy := func(r *v1alpha1.WorkloadRevision) { r.Status.Phase = v1alpha1.PhaseHealthy }
	outside := func(r *v1alpha1.WorkloadRevision) {
		r.Status.Failure = &v1alpha1.Failure{Reason: v1alpha1.FailureExternalCause}
	}
	recreatedAs := func(uid types.UID) func(*v1alpha1.WorkloadRevision) {
		return func(r *v1alpha1.WorkloadRevision) { r.Spec.WorkloadRef.UID = uid }
	}
	request := func(text string, result v1alpha1.RequestResult) func(*v1alpha1.WorkloadRevision) {
		return func(r *v1alpha1.WorkloadRevision) {
			r.Status.Requests = []v1alpha1.Request{{Request: text, Result: result}}
		}
	}
	for name, tt := range map[string]struct {
		reason  string
		history History
		hash    string
		want    time.Duration
	}{
		"First":        {"two minutes after the first failure", History{failed(0)}, "bad", 2 * time.Minute},
		"Second":       {"four after the second", History{failed(-time.Hour), failed(0)}, "bad", 4 * time.Minute},
		"Many":         {"an hour at most", History{failed(0), failed(0), failed(0), failed(0), failed(0), failed(0), failed(0), failed(0)}, "bad", time.Hour},
		"Over":         {"the pause ends", History{failed(-2 * time.Minute)}, "bad", 0},
		"Other":        {"another template is admitted", History{failed(0)}, "good", 0},
		"Recovered":    {"a template that became healthy since is admitted", History{failed(0), failed(0, healthy)}, "bad", 0},
		"Relapse":      {"and starts anew", History{failed(0), failed(0, healthy), failed(0)}, "bad", 2 * time.Minute},
		"Files":        {"admission does not see files", History{failed(0, byFiles)}, "bad", 0},
		"Outside":      {"the change may not be the cause, so the pause does not grow", History{failed(-time.Hour), failed(0, outside)}, "bad", 2 * time.Minute},
		"Retried":      {"a user requested a retry", History{failed(0, request(v1alpha1.RetryAnnotation+"=5", v1alpha1.RequestAccepted))}, "bad", 0},
		"RetryZero":    {"the number has a leading zero", History{failed(0, request(v1alpha1.RetryAnnotation+"=05", v1alpha1.RequestAccepted))}, "bad", 0},
		"RetryVoid":    {"the request was rejected", History{failed(0, request(v1alpha1.RetryAnnotation+"=5", v1alpha1.RequestRejected))}, "bad", 2 * time.Minute},
		"Former":       {"it is of a Deployment that was deleted", History{failed(0, recreatedAs("former"))}, "bad", 0},
		"RetryOfOther": {"the request names another revision", History{failed(0, request(v1alpha1.RetryAnnotation+"=4", v1alpha1.RequestAccepted))}, "bad", 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			failure, until := tt.history.Quarantined("", tt.hash, now)
			if (failure != nil) != (tt.want > 0) {
				t.Fatalf("%s: got %v", tt.reason, failure)
			}
			if failure != nil && until.Sub(now) != tt.want {
				t.Errorf("%s: denied for %s, want %s", tt.reason, until.Sub(now), tt.want)
			}
		})
	}
}

func TestHistory_Answered(t *testing.T) {
	h := phases("Healthy", "Failed")
	h[0].Status.Requests = []v1alpha1.Request{{Request: "a=1"}}
	for request, want := range map[string]bool{"a=1": true, "a=2": false} {
		if got := h.Answered(request); got != want {
			t.Errorf("%s: %v", request, got)
		}
	}
}

func TestSetCompliant(t *testing.T) {
	status := &v1alpha1.WorkloadRevisionStatus{}
	for _, tt := range []struct {
		name       string
		violations []string
		err        error
		changed    bool
		want       metav1.ConditionStatus
		message    string
	}{
		{"no violations", nil, nil, true, metav1.ConditionTrue, ""},
		{"no violations again", nil, nil, false, metav1.ConditionTrue, ""},
		{"two violations", []string{"no limit", "no probe"}, nil, true, metav1.ConditionFalse, "2 violations, the first: no limit"},
		{"an error", nil, errors.New("timeout"), true, metav1.ConditionUnknown, "timeout"},
	} {
		changed := SetCompliant(status, tt.violations, tt.err, now)
		got := status.Conditions[0]
		if changed != tt.changed || got.Status != tt.want || got.Message != tt.message {
			t.Errorf("%s: changed %v: %+v", tt.name, changed, got)
		}
	}
}
