package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	ctrl "sigs.k8s.io/controller-runtime"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/policy"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestConfigWatch_Due(t *testing.T) {
	a, b, broken := fileState{content: "a"}, fileState{content: "b"}, fileState{err: "gone"}
	type read struct {
		state fileState
		at    time.Duration
		want  bool
	}
	for _, test := range []struct {
		reason string
		reads  []read
		// retry is set after the first state that is due.
		retry time.Duration
	}{
		{"a state is applied when it is read twice, and once", []read{{a, 0, false}, {a, 2, true}, {a, 4, false}}, 0},
		{"a file that is being written is not applied", []read{{a, 0, false}, {b, 2, false}, {b, 4, true}}, 0},
		{"a second change is applied too", []read{{a, 0, false}, {a, 2, true}, {b, 4, false}, {b, 6, true}}, 0},
		{"a missing file is reported, and its return applied", []read{{broken, 0, false}, {broken, 2, true}, {a, 4, false}, {a, 6, true}}, 0},
		{"a change that reverts at once is not applied", []read{{a, 0, false}, {a, 2, true}, {b, 4, false}, {a, 6, false}, {a, 8, false}}, 0},
		{"a failed state is retried after the interval", []read{{a, 0, false}, {a, 2, true}, {a, 30, false}, {a, 33, true}, {a, 35, false}}, 32},
		{"a change ends the wait", []read{{a, 0, false}, {a, 2, true}, {b, 4, false}, {b, 6, true}}, 32},
	} {
		t.Run(test.reason, func(t *testing.T) {
			var watch configWatch
			first := true
			for _, r := range test.reads {
				got := watch.due(r.state, noon.Add(r.at*time.Second))
				if got != r.want {
					t.Errorf("%+v after %ds is due: %t, want %t", r.state, r.at, got, r.want)
				}
				if got && first && test.retry > 0 {
					watch.retryAt = noon.Add(test.retry * time.Second)
				}
				first = first && !got
			}
		})
	}
}

// recordedEvents collects Events.
type recordedEvents []event.Event

func (r *recordedEvents) Write(_ context.Context, e event.Event) error {
	*r = append(*r, e)
	return nil
}

// overrideFunc is the policies of a liveConfig.
type overrideFunc func(policy.Overrides) error

func (f overrideFunc) setOverrides(_ context.Context, o policy.Overrides) error { return f(o) }

func TestLiveConfig_Poll(t *testing.T) {
	var (
		events   recordedEvents
		applied  []policy.Overrides
		external error
	)
	l := newLiveConfig(config.Default())
	l.path = filepath.Join(t.TempDir(), "config.yaml")
	l.log = ctrl.Log
	l.events = &events
	l.clients = fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "reprise", UID: "u1"}})
	l.configMap = corev1.ObjectReference{Kind: "ConfigMap", Namespace: "n", Name: "reprise"}
	l.policies = overrideFunc(func(o policy.Overrides) error {
		if external == nil {
			applied = append(applied, o)
		}
		return external
	})
	now := noon
	var watch configWatch
	poll := func(content string) {
		t.Helper()
		if err := os.WriteFile(l.path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			now = now.Add(pollInterval)
			l.poll(t.Context(), &watch, now)
		}
	}
	check := func(reason string, bakeTime time.Duration, valid float64, written int) {
		t.Helper()
		if got := l.defaults().BakeTime; got != bakeTime {
			t.Errorf("%s: the bake time is %s, want %s", reason, got, bakeTime)
		}
		if got := testutil.ToFloat64(l.valid); got != valid {
			t.Errorf("%s: the metric is %g, want %g", reason, got, valid)
		}
		if len(events) != written {
			t.Errorf("%s: there are %d Events, want %d", reason, len(events), written)
		}
	}

	poll("defaults: {bakeTime: 5s}\nhistory: {maxPerMinute: 7, retainDeleted: 1h}\nrollback: {maxConcurrent: 3}\n")
	check("a valid change is applied", 5*time.Second, 1, 0)
	if got := l.maxPerMinute(); got != 7 || l.retainDeleted() != time.Hour {
		t.Errorf("the history is limited to %d a minute and %s", got, l.retainDeleted())
	}
	if got := l.active.Load().Rollback.MaxConcurrent; got != 50 {
		t.Errorf("maxConcurrent is %d without a restart", got)
	}
	select {
	case <-l.changed:
	default:
		t.Error("the controller is not notified")
	}

	poll("defaults: {bakeTime: soon}\n")
	check("an invalid one is rejected", 5*time.Second, 0, 1)
	if e := events[0]; e.Regarding.UID != "u1" || !strings.Contains(e.Message, `line 1: defaults.bakeTime: Invalid value: "soon"`) {
		t.Errorf("the Event is %+v", e)
	}
	if !watch.retryAt.IsZero() {
		t.Error("an invalid content is retried")
	}

	external = errors.New("no such policy")
	overrides := "defaults: {bakeTime: 6s}\npolicies: {overrides: [{policy: later, enforcement: warn}]}\n"
	poll(overrides)
	check("a policy is missing", 5*time.Second, 0, 2)
	external = nil
	now = now.Add(retryInterval)
	poll(overrides)
	check("it was created, and the content retried", 6*time.Second, 1, 2)
	if d := cmp.Diff([]policy.Overrides{{Rules: []policy.Override{{Policy: "later", Enforcement: policy.EnforceWarn}}}}, applied); d != "" {
		t.Errorf("overrides (-want +got)\n%s", d)
	}

	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		now = now.Add(pollInterval)
		l.poll(t.Context(), &watch, now)
	}
	check("the file is missing", 6*time.Second, 0, 3)
}

func TestLiveConfig_RejectWithoutAConfigMap(t *testing.T) {
	var events recordedEvents
	l := newLiveConfig(config.Default())
	l.log, l.events = ctrl.Log, &events
	l.reject(t.Context(), "x", errors.New("invalid"))
	l.configMap.Name, l.clients = "missing", fake.NewClientset()
	l.reject(t.Context(), "x", errors.New("invalid"))
	if len(events) != 0 || testutil.ToFloat64(l.valid) != 0 {
		t.Errorf("there are Events %v, and the metric is %g", events, testutil.ToFloat64(l.valid))
	}
}

func TestLiveConfig_StartPollsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("defaults: {bakeTime: 7s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := newLiveConfig(config.Default())
		l.path, l.log = path, ctrl.Log
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Start(ctx) }()
		time.Sleep(2*pollInterval + time.Second)
		if got := l.defaults().BakeTime; got != 7*time.Second {
			t.Errorf("the bake time is %s", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
