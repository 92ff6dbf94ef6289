package story

import (
	"strings"
	"testing"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

func TestWorkload_ByIntentHash(t *testing.T) {
	again := shop(append(rolledBack().History, revision(4, v1alpha1.PhaseProgressing, 3*time.Second, like(2)))...)
	tests := map[string]struct {
		reason string
		w      Workload
		hash   string
		want   int64
	}{
		"Newest":      {"an apply makes the newest revision", shop(revision(1, v1alpha1.PhaseHealthy, time.Hour), revision(2, v1alpha1.PhaseProgressing, 0)), "", 2},
		"RolledBack":  {"what Reprise restored since was not applied", rolledBack(), "", 2},
		"ByFile":      {"the file finds it even if Reprise restored another one since", rolledBack(), "intent-2", 2},
		"Again":       {"of equal intents the newest was applied last", again, again.History[3].Spec.IntentHash, 4},
		"NotApplied":  {"a file that nobody applied is no revision's", rolledBack(), "intent-9", 0},
		"OnlyReprise": {"nothing that a deployer made is kept", shop(revision(3, v1alpha1.PhaseHealthy, 0, restores(1, 2))), "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := tt.w.ByIntentHash(tt.hash)
			if tt.hash == "" {
				r, _ = tt.w.LatestUserRevision()
			}
			if (r != nil) != (tt.want != 0) || r != nil && r.Spec.Number != tt.want {
				t.Errorf("%s: it is %v, want #%d", tt.reason, r, tt.want)
			}
		})
	}
}

func TestWorkload_Recorded(t *testing.T) {
	changed := rolledBack()
	changed.Deployment.Spec.MinReadySeconds = 9
	gone, letGo := rolledBack(), rolledBack()
	gone.Deployment = nil
	letGo.Deployment.Labels = map[string]string{v1alpha1.GuardLabel: workload.GuardDisabled}
	tests := map[string]struct {
		w     Workload
		files []string
		says  string
	}{
		"Recorded": {rolledBack(), nil, ""},
		"Deploy":   {changed, nil, "not recorded yet"},
		"File":     {rolledBack(), []string{"containers.frontend.files./etc/a"}, "containers.frontend.files./etc/a has changed"},
		"LetGo":    {letGo, nil, "is not guarded by Reprise any more"},
		"Gone":     {gone, nil, "deployment/sample-app does not exist"},
		"None":     {shop(), nil, "not recorded yet"},
	}
	for name, tt := range tests {
		if recorded, says := tt.w.Recorded(tt.files); recorded != (tt.says == "") || !strings.Contains(says, tt.says) {
			t.Errorf("%s: recorded %v, %q, want %q", name, recorded, says, tt.says)
		}
	}
}

func TestWorkload_WaitStatus(t *testing.T) {
	failing := func(since time.Duration, change ...func(*v1alpha1.WorkloadRevision)) Workload {
		w := shop(revision(1, v1alpha1.PhaseHealthy, time.Hour), revision(2, v1alpha1.PhaseFailed, since, append([]func(*v1alpha1.WorkloadRevision){crashed(1)}, change...)...))
		w.History[1].Status.Rollback = nil
		return w
	}
	off := failing(12 * time.Second)
	off.Settings.Rollback = workload.ModeOff
	held := failing(12*time.Second, func(r *v1alpha1.WorkloadRevision) {
		history.HoldRollback(&r.Status, v1alpha1.HoldNoHealthyRevision, "no healthy revision is known", now)
	})
	overtaken := shop(append(failing(12*time.Second).History, revision(3, v1alpha1.PhaseProgressing, time.Second))...)
	halfway := shop(append(failing(12*time.Second).History, revision(3, v1alpha1.PhaseProgressing, time.Second, like(1), restores(1, 2)))...)
	halfway.History[1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1}
	written := failing(12 * time.Second)
	written.Deployment.Spec.MinReadySeconds = 9
	veto := shop(revision(1, v1alpha1.PhaseProgressing, time.Minute, func(r *v1alpha1.WorkloadRevision) {
		history.HoldRollback(&r.Status, v1alpha1.HoldNotCausedByChange, "old pods fail the same way", now)
	}))
	files := shop(revision(1, v1alpha1.PhaseProgressing, time.Minute, func(r *v1alpha1.WorkloadRevision) { r.Spec.ChangeScope = v1alpha1.ChangeFilesOnly }))
	asked := shop(revision(1, v1alpha1.PhaseHealthy, time.Hour), revision(2, v1alpha1.PhaseSuperseded, time.Minute), revision(3, v1alpha1.PhaseHealthy, time.Second, restores(1, 2)))
	asked.History[1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1, Request: "reprise.dev/rollback-to=1@2"}

	tests := map[string]struct {
		reason string
		w      Workload
		number int64
		state  State
		says   string
	}{
		"Progressing":     {"it is under way", shop(revision(1, v1alpha1.PhaseProgressing, time.Second)), 1, Pending, "#1 is Progressing, 2 of 2 pods ready"},
		"Unwritten":       {"its phase is not written yet", shop(revision(1, "", time.Second)), 1, Pending, "#1 is Unknown"},
		"Healthy":         {"it is well", shop(revision(1, v1alpha1.PhaseHealthy, time.Minute)), 1, Healthy, "#1 is Healthy"},
		"WasHealthy":      {"it was well before the next came", shop(append(rolledBack().History, revision(4, v1alpha1.PhaseProgressing, 0))...), 3, Healthy, "now #4 runs"},
		"RolledBack":      {"the rollback was over before the wait began", rolledBack(), 2, Failed, "#2 is RolledBack"},
		"BeingRolledBack": {"its rollback belongs to the story", failing(12 * time.Second), 2, Pending, "Reprise decides"},
		"HalfWay":         {"it is recorded, and the ownership of its fields is not back", halfway, 2, Pending, "Reprise decides"},
		"Written":         {"it is restored, and not recorded yet", written, 2, Pending, "Reprise decides"},
		"NotRolledBack":   {"its rollback does not come", failing(time.Minute), 2, Failed, "#2 is Failed"},
		"Off":             {"nothing is decided where nobody wants it", off, 2, Failed, "#2 is Failed"},
		"Held":            {"its rollback is held", held, 2, Failed, "#2 is Failed"},
		"Overtaken":       {"it had failed before another was deployed", overtaken, 2, Failed, "#2 is Failed"},
		"Veto":            {"it is unknown, and says why", veto, 1, Pending, "old pods fail the same way"},
		"FilesOnly":       {"what runs knows the old files", files, 1, Pending, "kubectl rollout restart deployment/sample-app -n shop"},
		"Superseded":      {"another was deployed meanwhile", shop(revision(1, v1alpha1.PhaseSuperseded, time.Minute), revision(2, v1alpha1.PhaseProgressing, 0)), 1, Superseded, "#2 was deployed by kubectl-client-side-apply"},
		"JustReplaced":    {"its phase lags behind the next one", shop(revision(1, v1alpha1.PhaseProgressing, time.Minute), revision(2, v1alpha1.PhaseProgressing, 0)), 1, Superseded, "#2 was deployed"},
		"AskedBack":       {"somebody asked to go back before there was a verdict", asked, 2, Superseded, "rolled back to #1, requested by reprise.dev/rollback-to=1@2"},
		"Pruned":          {"it is not kept any more", rolledBack(), 9, Superseded, "#9 is not stored any more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.w.WaitStatus(tt.number, now)
			if got.State != tt.state || !strings.Contains(got.Message, tt.says) {
				t.Errorf("%s: %q, %q, want %q, %q", tt.reason, got.State, got.Message, tt.state, tt.says)
			}
		})
	}
}

func TestWorkload_RollbackRequestStatus(t *testing.T) {
	const annotation = "reprise.dev/rollback-to=1@2"
	before := func(change ...func(*v1alpha1.WorkloadRevision)) []v1alpha1.WorkloadRevision {
		return []v1alpha1.WorkloadRevision{revision(1, v1alpha1.PhaseHealthy, time.Hour), revision(2, v1alpha1.PhaseHealthy, time.Minute, change...)}
	}
	answered := func(result v1alpha1.RequestResult, message string) func(*v1alpha1.WorkloadRevision) {
		return func(r *v1alpha1.WorkloadRevision) {
			r.Status.Requests = []v1alpha1.Request{{Request: annotation, Result: result, Message: message}}
		}
	}
	held := func(r *v1alpha1.WorkloadRevision) {
		history.HoldRollback(&r.Status, v1alpha1.HoldPaused, "the rollout is paused", now)
	}
	put := func(phase v1alpha1.Phase) Workload {
		return shop(append(before(answered(v1alpha1.RequestAccepted, "#1 was restored")), revision(3, phase, time.Second, like(1), restores(1, 2)))...)
	}
	tests := map[string]struct {
		reason string
		w      Workload
		held   string
		state  State
		says   string
	}{
		"Asked":      {"there is no answer yet", shop(before()...), "", Pending, annotation},
		"Void":       {"it is void", shop(before(answered(v1alpha1.RequestRejected, "#3 is live"))...), "", Failed, "#3 is live"},
		"Granted":    {"it is restored, and not recorded yet", shop(before(answered(v1alpha1.RequestAccepted, "#1 was restored"))...), "", Pending, "#1 was restored"},
		"Rolling":    {"its rollout is under way", put(v1alpha1.PhaseProgressing), "", Pending, "#1 runs as #3, which is Progressing"},
		"Healthy":    {"it is well", put(v1alpha1.PhaseHealthy), "", Healthy, "#1 runs as #3, which is Healthy"},
		"Failed":     {"it fails too", put(v1alpha1.PhaseFailed), "", Failed, "which is Failed"},
		"Superseded": {"another was deployed over it", put(v1alpha1.PhaseSuperseded), "", Superseded, "replaced"},
		"Held":       {"it is held", shop(before(held)...), "", Failed, "rollback on hold: the rollout is paused"},
		"HeldBefore": {"what held the automatic one says nothing of it", shop(before(held)...), "the rollout is paused", Pending, annotation},
		"Overtaken":  {"another deploy came first", shop(append(before(), revision(3, v1alpha1.PhaseProgressing, 0))...), "", Superseded, "superseded by #3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.w.RollbackRequestStatus(Request{Annotation: annotation, From: 2, Held: tt.held})
			if got.State != tt.state || !strings.Contains(got.Message, tt.says) {
				t.Errorf("%s: %q, %q, want %q, %q", tt.reason, got.State, got.Message, tt.state, tt.says)
			}
		})
	}
}
