package rollback

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

func annotated(key, value string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{key: value}}}
}

func TestAnswerRetry_LiftsTheQuarantineOnce(t *testing.T) {
	rolledBack, healthy := v1alpha1.PhaseRolledBack, v1alpha1.PhaseHealthy
	tests := map[string]struct {
		reason, value, outcome string
		granted                bool
		on                     int64
	}{
		"NotAsked": {reason: "nothing was asked"},
		"Granted":  {reason: "it failed", value: "2", granted: true, on: 2, outcome: "#2 is admitted again; apply it"},
		"Early":    {reason: "it may fail yet, and is answered then", value: "3"},
		"Unknown":  {reason: "there is no such revision", value: "9", on: 3, outcome: "there is no revision #9"},
		"NoNumber": {reason: "it says how to ask", value: "yes", on: 3, outcome: "expected the number of a failed revision"},
		"Healthy":  {reason: "it never was refused", value: "1", on: 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := past(healthy, rolledBack, healthy)
			h[1].Status.PhaseTransitionTime = &metav1.Time{Time: now}
			got := AnswerRetry(h, annotated(v1alpha1.RetryAnnotation, tt.value))
			if (got.Result == v1alpha1.RequestAccepted) != tt.granted || !strings.Contains(got.Message, tt.outcome) || (got.Result == "") != (tt.outcome == "") {
				t.Fatalf("%s: %s, %q", tt.reason, got.Result, got.Message)
			}
			if tt.outcome == "" {
				return
			}
			if got.On.Spec.Number != tt.on {
				t.Errorf("%s: noted on #%d, want #%d", tt.reason, got.On.Spec.Number, tt.on)
			}
			got.On.Status.Requests = []v1alpha1.Request{{Request: got.Request, Result: got.Result}}
			if again := AnswerRetry(h, annotated(v1alpha1.RetryAnnotation, tt.value)); again.Result != "" {
				t.Errorf("answered twice: %q", again.Message)
			}
			if failure, _ := h.Quarantined("", "b", now); (failure == nil) != tt.granted {
				t.Errorf("%s: refused still: %t", tt.reason, failure != nil)
			}
		})
	}
}

func TestDecideRequest(t *testing.T) {
	healthy, failed := v1alpha1.PhaseHealthy, v1alpha1.PhaseFailed
	tests := map[string]struct {
		reason, value string
		history       history.History
		change        func(*appsv1.Deployment)
		want          Action
		to            int64
		says          string
	}{
		"NotAsked":      {reason: "nothing was asked", history: past(healthy)},
		"NoHistory":     {reason: "there is nothing to roll back to", value: "1@2"},
		"Healthy":       {reason: "whoever may deploy may go back", value: "1@3", history: past(healthy, healthy, healthy), want: RollBack, to: 1},
		"NeverJudged":   {reason: "a person knows what Reprise cannot", value: "1@2", history: past(v1alpha1.PhaseUnknown, healthy), want: RollBack, to: 1},
		"FromFailed":    {reason: "a failed one that was held", value: "1@2", history: past(healthy, failed), want: RollBack, to: 1},
		"NotLive":       {reason: "a newer deploy came", value: "1@2", history: past(healthy, healthy, healthy), says: "#3 is live, not #2"},
		"ToFailed":      {reason: "it would fail again", value: "2@3", history: past(healthy, failed, healthy), says: "#2 failed"},
		"ToNothing":     {reason: "it is not in the history", value: "7@1", history: past(healthy), says: "no revision #7"},
		"ToItself":      {reason: "it is there", value: "1@1", history: past(healthy), says: "#1 is already live"},
		"WithoutLive":   {reason: "it might be read after the next deploy", value: "1", history: past(healthy, healthy), says: "such as 4@5"},
		"NoNumbers":     {reason: "it says how to ask", value: "a@b", history: past(healthy), says: "such as 4@5"},
		"AlreadyServed": {reason: "a value is served once", value: "1@2", history: served(past(healthy, healthy), "1@2")},
		"Redacted":      {reason: "its content is gone", value: "1@2", history: redacted(past(healthy, healthy)), says: "#1 was redacted"},
		"SwitchedOff":   {reason: "the install takes no requests", value: "1@2", history: past(healthy, healthy), says: "rollback.requests"},
		"Paused": {
			reason: "somebody is at work on it", value: "1@2", history: past(healthy, healthy), want: Hold, says: "paused",
			change: func(d *appsv1.Deployment) { d.Spec.Paused = true },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := annotated(v1alpha1.RollbackToAnnotation, tt.value)
			if tt.change != nil {
				tt.change(d)
			}
			got, void := DecideRequest(tt.history, d, workload.DefaultSettings(), name != "SwitchedOff")
			if got.Action != tt.want || !strings.Contains(got.Message+void.Message, tt.says) || (tt.says == "") != (got.Message+void.Message == "") {
				t.Fatalf("%s: got %q saying %q", tt.reason, got.Action, got.Message+void.Message)
			}
			if tt.want == RollBack && (got.Target.Spec.Number != tt.to || got.Request != v1alpha1.RollbackToAnnotation+"="+tt.value) {
				t.Errorf("%s: to #%d by %q", tt.reason, got.Target.Spec.Number, got.Request)
			}
		})
	}
}

// redacted redacts the first revision of a history.
func redacted(h history.History) history.History {
	h[0].Spec.Snapshot.Encoding = v1alpha1.Redacted
	return h
}

func served(h history.History, value string) history.History {
	h[len(h)-1].Status.Requests = []v1alpha1.Request{{Request: v1alpha1.RollbackToAnnotation + "=" + value, Result: v1alpha1.RequestAccepted}}
	return h
}

func TestRepeatFailure(t *testing.T) {
	healthy, rolledBack, progressing := v1alpha1.PhaseHealthy, v1alpha1.PhaseRolledBack, v1alpha1.PhaseProgressing
	tests := map[string]struct {
		reason string
		change func(history.History, *workload.Settings)
		want   bool
	}{
		"SlippedIn": {reason: "admission would have refused it", want: true},
		"Restarted": {
			reason: "its pod template was live already: a restart was asked for",
			change: func(h history.History, _ *workload.Settings) { h[2].Spec.TemplateHash = "b" },
		},
		"OtherTemplate": {
			reason: "it never ran", change: func(h history.History, _ *workload.Settings) { h[3].Spec.TemplateHash = "new" },
		},
		"OtherFiles": {
			reason: "the files may be the fix", change: func(h history.History, _ *workload.Settings) { h[3].Spec.FilesDigest = "fixed" },
		},
		"LongAgo": {
			reason: "its cause may have gone", change: func(h history.History, _ *workload.Settings) {
				h[1].Status.PhaseTransitionTime = &metav1.Time{Time: now.Add(-time.Hour)}
			},
		},
		"QuarantineOff": {
			reason: "the user wants it tried again", change: func(_ history.History, s *workload.Settings) { s.Quarantine = false },
		},
		"ARollback": {
			reason: "what Reprise restores is assessed anew", change: func(h history.History, _ *workload.Settings) { h[3].Spec.RollbackOf = 3 },
		},
		"Judged": {
			reason: "it has a verdict", change: func(h history.History, _ *workload.Settings) { h[3].Status.Phase = healthy },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, s := past(healthy, rolledBack, healthy, progressing), workload.DefaultSettings()
			h[1].Status.PhaseTransitionTime = &metav1.Time{Time: now.Add(-time.Minute)}
			h[3].Spec.TemplateHash = h[1].Spec.TemplateHash
			if tt.change != nil {
				tt.change(h, &s)
			}
			if got := RepeatFailure(h, s, now); (got != nil) != tt.want {
				t.Errorf("%s: known: %t", tt.reason, got != nil)
			}
		})
	}
}
