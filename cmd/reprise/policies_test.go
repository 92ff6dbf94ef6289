package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	ctrl "sigs.k8s.io/controller-runtime"
	controllerevent "sigs.k8s.io/controller-runtime/pkg/event"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/metrics"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/policy/sandbox"
)

// policyMap is a ConfigMap with a policy that denies everything with a message.
func policyMap(name, message string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, Labels: map[string]string{policy.Label: policy.LabelValue}},
		Data:       map[string]string{name + ".rego": "package " + name + "\ndeny contains \"" + message + "\""},
	}
}

// TestMain makes the test binary the process that compiles policies too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == sandbox.Command {
		exitOn(sandbox.Child(context.Background(), os.Stdin, os.Stdout, time.Tick(sandbox.WatchInterval)))
		return
	}
	os.Exit(m.Run())
}

func newPolicySet(t *testing.T, stored ...runtime.Object) (*policySet, *recordedEvents) {
	t.Helper()
	if raceDetector {
		t.Skip("the race detector takes more memory than the limit of the process that compiles policies")
	}
	events := &recordedEvents{}
	return &policySet{
		sandbox: sandbox.New(os.Args[0], sandbox.Command), clients: fake.NewClientset(stored...), namespace: "n", events: events, log: ctrl.Log, metrics: metrics.New(),
		changed: make(chan controllerevent.GenericEvent, 1), wake: make(chan struct{}, 1),
	}, events
}

// messages returns what the active policies deny.
func messages(t *testing.T, s *policySet) []string {
	t.Helper()
	var all []string
	for _, v := range s.Evaluate(t.Context(), policy.Input{Phase: policy.Final, Request: map[string]any{}}).Violations {
		all = append(all, v.Rule+": "+v.Message)
	}
	slices.Sort(all)
	return all
}

func TestPolicySet_SetOverrides(t *testing.T) {
	unlabelled := policyMap("ignored", "no")
	unlabelled.Labels = nil
	s, _ := newPolicySet(t, policyMap("team", "no"), unlabelled)
	if err := s.setOverrides(t.Context(), policy.Overrides{}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"team: no"}, messages(t, s)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	err := s.setOverrides(t.Context(), policy.Overrides{Rules: []policy.Override{{Policy: "teem", Enforcement: policy.EnforceOff}}})
	if err == nil || !strings.Contains(err.Error(), "teem") {
		t.Errorf("an unknown policy: %v", err)
	}
	if d := cmp.Diff([]string{"team: no"}, messages(t, s)); d != "" {
		t.Errorf("after the error (-want +got)\n%s", d)
	}
	if err := s.setOverrides(t.Context(), policy.Overrides{Rules: []policy.Override{{Policy: "team", Enforcement: policy.EnforceOff}}}); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, s); len(got) > 0 {
		t.Errorf("a policy that is off denies %v", got)
	}
	select {
	case <-s.wake:
	default:
		t.Error("the watch is not woken")
	}
}

func TestPolicySet_SetOverridesOfAPolicyThatDoesNotCompile(t *testing.T) {
	broken := policyMap("team", "no")
	broken.Data["team.rego"] = "package team\ndeny contains"
	s, _ := newPolicySet(t, broken)
	if err := s.setOverrides(t.Context(), policy.Overrides{Rules: []policy.Override{{Policy: "team"}}}); err != nil {
		t.Errorf("the invalid ConfigMap may contain the policy: %v", err)
	}
}

func TestPolicySet_Reload(t *testing.T) {
	s, events := newPolicySet(t)
	if err := s.setOverrides(t.Context(), policy.Overrides{}); err != nil {
		t.Fatal(err)
	}
	valid, broken := policyMap("team", "no"), policyMap("team", "never")
	broken.Data["team.rego"] += "\n}"
	binary := policyMap("binary", "no")
	binary.Data, binary.BinaryData = nil, map[string][]byte{"a.rego": {0xff}}
	for _, step := range []struct {
		reason string
		stored []*corev1.ConfigMap
		want   []string
		events int
	}{
		{"a new ConfigMap is active", []*corev1.ConfigMap{valid}, []string{"team: no"}, 0},
		{"an invalid change keeps the last valid policies", []*corev1.ConfigMap{broken}, []string{"team: no"}, 1},
		{"another one is active beside it", []*corev1.ConfigMap{broken, policyMap("web", "nor")}, []string{"team: no", "web: nor"}, 2},
		{"a deleted ConfigMap is not active", []*corev1.ConfigMap{policyMap("web", "nor")}, []string{"web: nor"}, 2},
		{"a binary file is no policy", []*corev1.ConfigMap{binary}, nil, 3},
	} {
		if err := s.reload(t.Context(), step.stored); err != nil {
			t.Fatalf("%s: %v", step.reason, err)
		}
		if d := cmp.Diff(step.want, messages(t, s)); d != "" {
			t.Errorf("%s (-want +got)\n%s", step.reason, d)
		}
		if len(*events) != step.events {
			t.Errorf("%s: there are %d Events, want %d", step.reason, len(*events), step.events)
		}
		select {
		case <-s.changed:
		default:
			t.Errorf("%s: the audit is not notified", step.reason)
		}
	}
	if message := (*events)[0].Message; !strings.Contains(message, "team/team.rego") {
		t.Errorf("the Event does not name the file: %s", message)
	}
}

func TestPolicySet_Check(t *testing.T) {
	s, _ := newPolicySet(t, policyMap("team", "no"))
	if err := s.setOverrides(t.Context(), policy.Overrides{}); err != nil {
		t.Fatal(err)
	}
	duplicate := policyMap("other", "no")
	duplicate.Data = map[string]string{"x.rego": policyMap("team", "no").Data["team.rego"]}
	broken := policyMap("other", "no")
	broken.Data["other.rego"] += "\n}"
	for _, test := range []struct {
		reason    string
		candidate *corev1.ConfigMap
		valid     bool
	}{
		{"a new one", policyMap("other", "no"), true},
		{"a new version of an active one", policyMap("team", "never"), true},
		{"the package of another ConfigMap", duplicate, false},
		{"a syntax error", broken, false},
	} {
		if _, err := s.Check(t.Context(), test.candidate); (err == nil) != test.valid {
			t.Errorf("%s: %v", test.reason, err)
		}
	}
	if d := cmp.Diff([]string{"team: no"}, messages(t, s)); d != "" {
		t.Errorf("a check activates policies (-want +got)\n%s", d)
	}
}

// TestPolicySet_WarnsOfWhatHasNoEffect is a policy that loads and can never deny. Its author reads
// of it at the apply and in an Event.
func TestPolicySet_WarnsOfWhatHasNoEffect(t *testing.T) {
	s, events := newPolicySet(t, policyMap("team", "no"))
	if err := s.setOverrides(t.Context(), policy.Overrides{}); err != nil {
		t.Fatal(err)
	}
	pods := policyMap("pods", "no")
	pods.Data["pods.rego"] += " if input.kind == \"Pod\""
	const want = `pods/pods.rego:2: deny is never true: it requires input.kind == "Pod", and input.kind is always "Deployment"; `
	warnings, err := s.Check(t.Context(), pods)
	if err != nil || len(warnings) != 1 || !strings.HasPrefix(warnings[0], want) {
		t.Errorf("the check says %q, %v, want %q", warnings, err, want)
	}
	if err := s.reload(t.Context(), []*corev1.ConfigMap{policyMap("team", "no"), pods}); err != nil {
		t.Fatal(err)
	}
	if len(*events) != 1 || (*events)[0].Reason != v1alpha1.EventPolicyIneffective || !strings.HasPrefix((*events)[0].Message, want) {
		t.Errorf("Events %+v, want one that begins with %q", *events, want)
	}
	registry := prometheus.NewRegistry()
	if err := s.metrics.Register(registry); err != nil {
		t.Fatal(err)
	}
	const metric = "# HELP reprise_policy_ineffective_sources Active policy ConfigMaps of which a part has no effect.\n" +
		"# TYPE reprise_policy_ineffective_sources gauge\nreprise_policy_ineffective_sources 1\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(metric), "reprise_policy_ineffective_sources"); err != nil {
		t.Error(err)
	}
}

// bomb is a ConfigMap of comprehensions in each other, for which the compiler needs exponential
// time and memory.
func bomb(name string) *corev1.ConfigMap {
	c := policyMap(name, "no")
	c.Data[name+".rego"] += "\ndeny contains x if { x := " + strings.Repeat("[y | y := ", 24) + "1" + strings.Repeat("]", 24) + " }"
	return c
}

// TestPolicySet_PoliciesThatCannotBeCompiled are stored already when the process starts. They are
// left out, reported and not tried again, and all others are active.
func TestPolicySet_PoliciesThatCannotBeCompiled(t *testing.T) {
	s, events := newPolicySet(t, bomb("a"), policyMap("team", "no"))
	if err := s.setOverrides(t.Context(), policy.Overrides{}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"team: no"}, messages(t, s)); d != "" {
		t.Errorf("at the start (-want +got)\n%s", d)
	}
	for _, step := range []struct {
		reason string
		stored []*corev1.ConfigMap
		want   []string
		events int
	}{
		{"others can be added", []*corev1.ConfigMap{bomb("a"), policyMap("team", "no"), policyMap("web", "nor")}, []string{"team: no", "web: nor"}, 1},
		{"it can be corrected", []*corev1.ConfigMap{policyMap("a", "yes"), policyMap("web", "nor")}, []string{"a: yes", "web: nor"}, 1},
		{"its last valid state stays", []*corev1.ConfigMap{bomb("a")}, []string{"a: yes"}, 2},
		{"it can be deleted", []*corev1.ConfigMap{policyMap("web", "nor")}, []string{"web: nor"}, 2},
	} {
		begun := time.Now()
		if err := s.reload(t.Context(), step.stored); err != nil {
			t.Fatalf("%s: %v", step.reason, err)
		}
		t.Logf("%s: took %s", step.reason, time.Since(begun))
		if d := cmp.Diff(step.want, messages(t, s)); d != "" {
			t.Errorf("%s (-want +got)\n%s", step.reason, d)
		}
		if len(*events) != step.events {
			t.Errorf("%s: there are %d Events, want %d", step.reason, len(*events), step.events)
		}
	}
	if message := (*events)[0].Message; !strings.Contains(message, "compiling and trying the policies took more than") {
		t.Errorf("the Event says %q", message)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2400*time.Millisecond)
	defer cancel()
	_, err := s.Check(ctx, bomb("c"))
	if err == nil || !strings.Contains(err.Error(), "compiling and trying the policies") {
		t.Errorf("the check of another one says %v", err)
	}
}

func TestWaitUntilStable(t *testing.T) {
	changes := make(chan struct{}, 3)
	for range 3 {
		changes <- struct{}{}
	}
	start := time.Now()
	if !waitUntilStable(t.Context(), changes) || len(changes) > 0 || time.Since(start) < debounce {
		t.Errorf("stable after %s with %d changes left", time.Since(start), len(changes))
	}
	ctx, cancel := contextThatEnded(t)
	defer cancel()
	if waitUntilStable(ctx, make(chan struct{})) {
		t.Error("stable although the process ends")
	}
}

func TestPolicySet_StartWatchesTheConfigMaps(t *testing.T) {
	s, _ := newPolicySet(t)
	if err := s.setOverrides(t.Context(), policy.Overrides{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Start(ctx) }()
	<-s.changed // The load at the start, when the watch is open.
	if _, err := s.clients.CoreV1().ConfigMaps("n").Create(t.Context(), policyMap("team", "no"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	<-s.changed
	if d := cmp.Diff([]string{"team: no"}, messages(t, s)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
