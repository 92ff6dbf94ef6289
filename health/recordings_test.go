package health_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/health"
)

var update = flag.Bool("update", false, "write the golden file")

// recordings are what a real kubelet showed: see the README there.
const recordings = "../test/testdata/pods"

// recorded is one change of one object.
type recorded struct {
	Seconds float64
	Change  string
	Object  json.RawMessage
}

// replay is what is known at one time of a recording.
type replay struct {
	begin   time.Time
	seconds float64
	steps   []recorded

	deployments map[string]*appsv1.Deployment
	sets        map[string]*appsv1.ReplicaSet
	pods        map[string]*corev1.Pod
	nodes       map[string]*corev1.Node
	events      map[string]*corev1.Event
	specs       map[string]json.RawMessage // the last of each object, by kind and name

	memory     health.Memory
	readyAfter time.Duration
}

func load(t *testing.T, file string) *replay {
	t.Helper()
	data, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	lines := bufio.NewScanner(data)
	lines.Buffer(nil, 1<<20)
	var header struct {
		Begin   time.Time
		Seconds float64
	}
	if !lines.Scan() {
		t.Fatalf("%s is empty", file)
	}
	decode(t, lines.Bytes(), &header)
	r := &replay{
		begin: header.Begin, seconds: header.Seconds, deployments: map[string]*appsv1.Deployment{}, sets: map[string]*appsv1.ReplicaSet{},
		pods: map[string]*corev1.Pod{}, nodes: map[string]*corev1.Node{}, events: map[string]*corev1.Event{},
		specs: map[string]json.RawMessage{}, memory: health.Memory{},
	}
	for lines.Scan() {
		var s recorded
		decode(t, lines.Bytes(), &s)
		r.steps = append(r.steps, s)
	}
	return r
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// apply has a step become known.
func (r *replay) apply(t *testing.T, s recorded) {
	t.Helper()
	var kind struct {
		Kind     string
		Metadata struct{ Name string }
	}
	decode(t, s.Object, &kind)
	s.Object = r.withSpec(t, s.Object, kind.Kind+"/"+kind.Metadata.Name)
	switch kind.Kind {
	case "Deployment":
		keep(t, s, r.deployments, func(d *appsv1.Deployment) string { return d.Name })
	case "ReplicaSet":
		keep(t, s, r.sets, func(set *appsv1.ReplicaSet) string { return set.Name })
	case "Pod":
		keep(t, s, r.pods, func(p *corev1.Pod) string { return p.Name })
	case "Node":
		keep(t, s, r.nodes, func(n *corev1.Node) string { return n.Name })
	case "Event":
		keep(t, s, r.events, func(e *corev1.Event) string { return e.Name })
	}
}

// withSpec adds the spec that the object had before, where it was not written again.
func (r *replay) withSpec(t *testing.T, object json.RawMessage, key string) json.RawMessage {
	t.Helper()
	var fields map[string]json.RawMessage
	decode(t, object, &fields)
	if fields["spec"] == nil && r.specs[key] != nil {
		fields["spec"] = r.specs[key]
	}
	r.specs[key] = fields["spec"]
	whole, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

func keep[T any](t *testing.T, s recorded, all map[string]*T, name func(*T) string) {
	t.Helper()
	object := new(T)
	decode(t, s.Object, object)
	if s.Change == "DELETED" {
		delete(all, name(object))
		return
	}
	all[name(object)] = object
}

// assess assesses what is known, where the second revision is.
func (r *replay) assess(seconds float64) (health.Verdict, bool) {
	d := r.deployments["app"]
	if d == nil || d.Spec.Template.Labels["revision"] != "2" {
		return health.Verdict{}, false
	}
	rollout := health.Rollout{
		Deployment: d, ReplicaSets: values(r.sets), Pods: values(r.pods), Nodes: r.nodes, Events: values(r.events),
		AcceptedAt: r.begin, BakeTime: 30 * time.Second, Memory: r.memory,
	}
	// What a healthy revision's pods took is known since it became healthy.
	for _, set := range r.sets {
		before := rollout
		before.Deployment = d.DeepCopy()
		before.Deployment.Spec.Template = *set.Spec.Template.DeepCopy()
		delete(before.Deployment.Spec.Template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
		if before.Deployment.Spec.Template.Labels["revision"] != "2" {
			r.readyAfter = max(r.readyAfter, health.ReadyAfter(before))
		}
	}
	rollout.ReadyAfter = r.readyAfter
	v := health.Assess(rollout, r.begin.Add(time.Duration(seconds*float64(time.Second))))
	r.memory = v.Memory
	return v, true
}

func values[T any](all map[string]*T) []*T {
	var list []*T
	for _, object := range all {
		list = append(list, object)
	}
	return list
}

// verdictAt is a verdict and when it was first given.
type verdictAt struct {
	seconds float64
	health.Verdict
}

// verdicts are those that differ from the one before, at each step and at each whole second. A
// state that changes while nothing happens must have been announced: nobody would look otherwise.
func (r *replay) verdicts(t *testing.T) (all []verdictAt) {
	t.Helper()
	announced := math.Inf(1)
	note := func(seconds float64, stepped bool) {
		v, there := r.assess(seconds)
		if !there {
			return
		}
		if last := len(all) - 1; last < 0 || all[last].State != v.State || all[last].Cause != v.Cause {
			if !stepped && last >= 0 && all[last].State != v.State && announced > seconds {
				t.Errorf("at %.0f s it becomes %s, and to look again was announced for %.1f s", seconds, v.State, announced)
			}
			all = append(all, verdictAt{seconds, v})
		}
		if announced = math.Inf(1); v.RecheckAfter > 0 {
			announced = seconds + v.RecheckAfter.Seconds()
		}
	}
	at := 1.0
	for _, s := range r.steps {
		for ; at < s.Seconds; at++ {
			note(at, false)
		}
		r.apply(t, s)
		note(s.Seconds, true)
	}
	for ; at <= r.seconds; at++ {
		note(at, false)
	}
	return all
}

func (v verdictAt) String() string {
	state := string(v.State)
	if v.State == health.Unknown {
		state = "Unknown"
	}
	line := fmt.Sprintf("%6.2f %-11s %s", v.seconds, state, v.Cause)
	if len(v.Failures) > 0 {
		f := v.Failures[0]
		line += fmt.Sprintf(" [%s restarts=%d ran=%t", f.Reason, f.RestartCount, f.Ran)
		if f.ExitCode != nil {
			line += fmt.Sprintf(" exit=%d", *f.ExitCode)
		}
		line += "]"
	}
	return line
}

func TestAssess_Recordings(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("%d recordings in %s", len(files), recordings)
	}
	var out strings.Builder
	for _, file := range files {
		fmt.Fprintf(&out, "== %s\n", strings.TrimSuffix(filepath.Base(file), ".jsonl"))
		for _, v := range load(t, file).verdicts(t) {
			fmt.Fprintln(&out, v)
		}
	}
	golden := filepath.Join("testdata", "recordings.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("-want +got (-update writes it):\n%s", diff)
	}
}

// TestAssess_RecordingsEndAsDocumented holds the golden file to docs/health.md.
func TestAssess_RecordingsEndAsDocumented(t *testing.T) {
	tests := map[string]struct {
		within float64 // seconds until it has failed; 0 where it must never be assessed Failed
		says   string
		last   []health.State
	}{
		"exits-at-once":            {25, "container main exits 1", nil},
		"exits-at-once-recreate":   {28, "container main exits 1", nil},
		"exits-after-20s":          {85, "container main exits 1", nil},
		"exits-after-20s-recreate": {90, "container main exits 1", nil},
		"oom":                      {25, "is out of memory: OOMKilled", nil},
		"image-missing":            {10, "image registry.example.com/app:none not found", nil},
		"image-missing-recreate":   {15, "image registry.example.com/app:none not found", nil},
		// As certain as a tag that never comes; that it may heal is for quarantine.
		"tag-pushed-later":   {10, "image registry.example.com/app:later not found", nil},
		"configmap-missing":  {70, `configmap "settings" not found`, nil},
		"secret-key-missing": {70, "couldn't find key password in Secret", nil},
		"readiness":          {75, "did not become ready within", nil},
		"readiness-recreate": {75, "did not become ready within", nil},
		"liveness":           {25, "liveness probe fails", nil},
		"init-crash":         {20, "container migrate exits 1", nil},
		"executable-missing": {10, "container main cannot start", nil},
		"limit-range":        {10, "maximum memory usage per Container is 64Mi", nil},
		"quota":              {65, "exceeded quota", nil},
		"unschedulable":      {65, "is not scheduled", nil},
		"registry-401":       {0, "", []health.State{health.Progressing}},
		"registry-401-scope": {0, "", []health.State{health.Progressing}},
		"configmap-later":    {0, "", []health.State{health.Healthy}},
		"slow-start":         {0, "", []health.State{health.Healthy}},
		"pod-deleted":        {0, "", []health.State{health.Healthy}},
		"drained":            {0, "", []health.State{health.Healthy, health.Progressing}},
		"kubelet-stopped":    {0, "", []health.State{health.Healthy, health.Progressing}},
		"registry-down":      {0, "", []health.State{health.Unknown}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			all := load(t, filepath.Join(recordings, name+".jsonl")).verdicts(t)
			at := slices.IndexFunc(all, func(v verdictAt) bool { return v.State == health.Failed })
			if tt.within == 0 {
				if at >= 0 {
					t.Fatalf("condemned: %s", all[at])
				}
				if last := all[len(all)-1]; !slices.Contains(tt.last, last.State) {
					t.Errorf("it ends as %s, want one of %q", last, tt.last)
				}
				return
			}
			if at < 0 || all[at].seconds > tt.within || !strings.Contains(all[at].Cause, tt.says) {
				t.Errorf("want Failed with %q within %.0f s of:\n%v", tt.says, tt.within, all)
			}
		})
	}
}
