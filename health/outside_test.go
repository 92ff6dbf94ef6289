package health_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/health"
)

// outsideCases is where the cases lie that nobody wrote for these tests. They are no part of the
// repository.
func outsideCases(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("REPRISE_CASES")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "cases", "health")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("NOT TRIED: no cases from outside in %s (REPRISE_CASES names another folder)", folder)
	}
	return folder
}

// situation is one case: objects over time, and what is expected of the verdict.
type situation struct {
	Expect                                                       string
	Within, Until                                                float64
	Words                                                        []string
	Why                                                          string
	BakeSeconds, FailureDeadlineSeconds, ProgressDeadlineSeconds float64
	Frames                                                       []frame
}

// frame has the objects from a second on, until the next.
type frame struct {
	At          float64
	Deployment  *appsv1.Deployment
	ReplicaSets []*appsv1.ReplicaSet
	Pods        []*corev1.Pod
	Nodes       map[string]*corev1.Node
	Events      []*corev1.Event
}

var acceptedOutside = time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// played is how a situation ends.
type played struct {
	state health.State
	at    float64
	cause string
}

// play assesses a situation every half second as the guard does: without Events until something
// fails, with what was seen before, and until there is a last word.
func (s situation) play() played {
	seen := health.Memory{}
	controller := progressDeadline{period: seconds(s.ProgressDeadlineSeconds)}
	last := played{}
	for at := s.Frames[0].At; at <= s.Until; at += 0.5 {
		f := s.Frames[0]
		for _, next := range s.Frames {
			if next.At <= at {
				f = next
			}
		}
		now := acceptedOutside.Add(seconds(at))
		rollout := health.Rollout{
			Deployment: controller.observe(f.Deployment, now), ReplicaSets: f.ReplicaSets, Pods: f.Pods, Nodes: f.Nodes,
			AcceptedAt: acceptedOutside, BakeTime: seconds(s.BakeSeconds), FailureDeadline: seconds(s.FailureDeadlineSeconds),
		}
		rollout.Memory = seen
		verdict := health.Assess(rollout, now)
		seen = verdict.Memory
		if verdict.State == health.Failed {
			rollout.Events = f.Events
			verdict = health.Assess(rollout, now)
		}
		last = played{verdict.State, at, verdict.Cause}
		if verdict.State == health.Failed || verdict.State == health.Healthy {
			return last
		}
	}
	return last
}

// disagrees returns how an end differs from what is expected; empty if it does not.
func (s situation) disagrees(got played) string {
	within := s.Within
	if within == 0 {
		within = s.Until
	}
	wrong := false
	switch s.Expect {
	case "fail":
		wrong = got.state != health.Failed || got.at > within
		for _, word := range s.Words {
			wrong = wrong || !strings.Contains(got.cause, word)
		}
	case "healthy":
		wrong = got.state != health.Healthy
	case "notfail":
		wrong = got.state == health.Failed && got.at <= within
	case "nothealthy":
		wrong = got.state == health.Healthy
	}
	if !wrong {
		return ""
	}
	return fmt.Sprintf("want %s within %.0f s %q (%s), got %q at %.1f s: %s", s.Expect, within, s.Words, s.Why, got.state, got.at, got.cause)
}

// progressDeadline does what the deployment controller does to the condition Progressing: the
// frames have none (k8s.io/kubernetes/pkg/controller/deployment/progress.go).
type progressDeadline struct {
	period   time.Duration
	last     appsv1.DeploymentStatus
	progress time.Time
	complete bool
}

func (c *progressDeadline) observe(d *appsv1.Deployment, now time.Time) *appsv1.Deployment {
	want, s := int32(1), d.Status
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	stuck := !d.Spec.Paused && want > 0 && !c.progress.IsZero()
	if s.UpdatedReplicas > c.last.UpdatedReplicas || s.Replicas-s.UpdatedReplicas < c.last.Replicas-c.last.UpdatedReplicas ||
		s.ReadyReplicas > c.last.ReadyReplicas || s.AvailableReplicas > c.last.AvailableReplicas || !stuck {
		c.progress = now
	}
	c.last = s
	c.complete = c.complete || want > 0 && s.UpdatedReplicas == want && s.Replicas == want && s.AvailableReplicas == want
	if c.complete || now.Sub(c.progress) <= c.period {
		return d
	}
	d = d.DeepCopy()
	d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{
		Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded",
		LastUpdateTime: metav1.NewTime(c.progress.Add(c.period + time.Second)),
	})
	return d
}

// otherwise are the situations in which docs/adr/0009-what-a-failure-is.md decides otherwise than
// is expected outside.
var otherwise = []string{"false-failed/image-pushed-25s-late", "missed/late-crash-after-bake"}

func TestAssess_CasesFromOutside(t *testing.T) {
	folder := outsideCases(t)
	files, err := filepath.Glob(filepath.Join(folder, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	agreed := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file)), ".json")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s situation
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		differs := s.disagrees(s.play())
		switch {
		case differs == "":
			agreed++
		case slices.Contains(otherwise, name):
			t.Logf("%s (decided otherwise): %s", name, differs)
		default:
			t.Errorf("%s: %s", name, differs)
		}
	}
	t.Logf("%d of %d cases agree", agreed, len(files))
}

func TestAssess_PullErrorsFromOutside(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(outsideCases(t), "image-strings.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct{ Message, Truth, From string }
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	agreed := 0
	for _, w := range all {
		if differs := pullDiffers(w.Message, w.Truth); differs != "" {
			t.Errorf("%s: %s\n%s", w.From, differs, w.Message)
			continue
		}
		agreed++
	}
	t.Logf("%d of %d pull errors agree", agreed, len(all))
}

// pullDiffers returns how the verdict on a pod with a pull error differs from what is true of its
// image; empty if it does not. What is missing fails at once. What can be neither run nor pulled
// fails too, but later, and is not called missing. The rest waits for the deadline.
func pullDiffers(message, truth string) string {
	at := func(age time.Duration) health.Verdict {
		r := rollout()
		unready(&r, waiting("ErrImagePull", message))
		r.Pods[0].CreationTimestamp = ago(age)
		return health.Assess(r, now)
	}
	soon, late := at(10*time.Second), at(90*time.Second)
	saysMissing := strings.Contains(late.Cause, "image x:1 not found")
	var wrong bool
	switch truth {
	case "missing":
		wrong = soon.State != health.Failed || !saysMissing
	case "platform", "invalid", "forged":
		wrong = soon.State == health.Failed || late.State != health.Failed || saysMissing
	default:
		wrong = late.State == health.Failed || saysMissing
	}
	if !wrong {
		return ""
	}
	return fmt.Sprintf("the truth is %s, got %q after 10 s and %q after 90 s: %s", truth, soon.State, late.State, late.Cause)
}
