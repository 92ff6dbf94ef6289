package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/internal/apitest"
	"reprise.dev/reprise/story"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

func connect(t *testing.T, server *apitest.Server) *cluster.Connection {
	t.Helper()
	c, err := cluster.Connect(server.ClientConfig(), "", "reprise-system")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// says fails the test unless an error holds a text; the empty text is no error.
func says(t *testing.T, reason string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", reason, err, want)
	}
}

// next returns the next value that fits.
func next[T any](t *testing.T, from <-chan T, what string, fits func(T) bool) T {
	t.Helper()
	end := time.After(patience)
	for {
		select {
		case value := <-from:
			if fits(value) {
				return value
			}
		case <-end:
			t.Fatalf("there is no %s", what)
		}
	}
}

// followed is a Status that runs.
type followed struct {
	snapshots chan Snapshot
	ended     chan error
	cancel    context.CancelFunc
}

func follow(t *testing.T, server *apitest.Server, o StatusOptions) *followed {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	f := &followed{snapshots: make(chan Snapshot, 1000), ended: make(chan error, 1), cancel: cancel}
	c := connect(t, server)
	go func() {
		f.ended <- Status(ctx, c, o, func(s Snapshot) error { f.snapshots <- s; return nil })
	}()
	return f
}

func (f *followed) end(t *testing.T) error {
	t.Helper()
	return next(t, f.ended, "end", func(error) bool { return true })
}

func TestStatus(t *testing.T) {
	server := apitest.New(t, append(apitest.Rescued(t, "cart"), apitest.Deployment("checkout", "x"))...)
	all := follow(t, server, StatusOptions{Namespace: apitest.Namespace})
	one := follow(t, server, StatusOptions{Namespace: apitest.Namespace, Name: "cart", Every: 10 * time.Millisecond})
	next(t, all.snapshots, "list of two", func(s Snapshot) bool { return len(s.Workloads) == 2 && len(s.Workloads[0].History) == 3 })
	next(t, one.snapshots, "workload", func(s Snapshot) bool { return len(s.Workloads) == 1 && len(s.Workloads[0].History) == 3 })
	next(t, one.snapshots, "snapshot without a change", func(Snapshot) bool { return true })

	server.Put(apitest.Denied(t, "cart"))
	next(t, all.snapshots, "Event", func(s Snapshot) bool { return s.Workloads[0].Denied != nil })
	server.BreakWatches()
	server.Put(apitest.Deployment("database", "x"))
	next(t, all.snapshots, "new workload after a watch ended", func(s Snapshot) bool { return len(s.Workloads) == 3 })
	server.Delete("deployments", apitest.Namespace, "checkout")
	next(t, all.snapshots, "deletion", func(s Snapshot) bool { return len(s.Workloads) == 2 })
	for _, f := range []*followed{all, one} {
		f.cancel()
		says(t, "interrupted", f.end(t), "")
	}
}

func TestStatus_withoutEvents(t *testing.T) {
	server := apitest.New(t, append(apitest.Rescued(t, "cart"), apitest.Denied(t, "cart"))...)
	server.Forbid("list", "events")
	f := follow(t, server, StatusOptions{})
	s := next(t, f.snapshots, "list", func(s Snapshot) bool { return len(s.Workloads) == 1 })
	if s.Workloads[0].Denied != nil {
		t.Error("an Event is shown that may not be read")
	}
}

func TestStatus_whileTheServerDoesNotAnswer(t *testing.T) {
	server := apitest.New(t, apitest.Rescued(t, "cart")...)
	f := follow(t, server, StatusOptions{Namespace: apitest.Namespace})
	next(t, f.snapshots, "list", func(s Snapshot) bool { return len(s.Workloads) == 1 })
	away := apierrors.NewGenericServerResponse(500, "watch", schema.GroupResource{}, "", "away", 0, true)
	server.Fail("watch deployments", 1, away)
	server.Fail("list deployments", 1, away)
	server.BreakWatches()
	next(t, f.snapshots, "error", func(s Snapshot) bool { return s.Err != nil })
	server.Put(apitest.Deployment("checkout", "x"))
	next(t, f.snapshots, "recovery", func(s Snapshot) bool { return s.Err == nil && len(s.Workloads) == 2 })
}

func TestStatus_errors(t *testing.T) {
	broken := errors.New("broken pipe")
	server := apitest.New(t, apitest.Rescued(t, "cart")...)
	err := Status(t.Context(), connect(t, server), StatusOptions{}, func(Snapshot) error { return broken })
	says(t, "a reader who goes away", err, "broken pipe")

	server.Forbid("list", "workloadrevisions")
	err = Status(t.Context(), connect(t, server), StatusOptions{Namespace: apitest.Namespace}, func(Snapshot) error { return nil })
	says(t, "no right to revisions", err, "you may not read revisions in namespace shop")

	server = apitest.New(t, apitest.Rescued(t, "cart")...)
	f := follow(t, server, StatusOptions{Namespace: apitest.Namespace})
	next(t, f.snapshots, "list", func(s Snapshot) bool { return len(s.Workloads) == 1 })
	server.Forbid("watch", "deployments")
	server.Forbid("list", "deployments")
	server.BreakWatches()
	says(t, "a right that is lost", f.end(t), "you may not read workloads in namespace shop")

	server = apitest.New(t)
	server.Remove(v1alpha1.GroupVersion.Group)
	err = Status(t.Context(), connect(t, server), StatusOptions{}, func(Snapshot) error { return nil })
	says(t, "no CRD", err, "Reprise is not installed in it")
}

func TestReport(t *testing.T) {
	failures := make(chan error, 1)
	report(failures, apierrors.NewResourceExpired("old"))
	if len(failures) > 0 {
		t.Error("a watch that is restarted is an error")
	}
	report(failures, errors.New("first"))
	report(failures, errors.New("second")) // Nobody has read the first one; this must not block.
	says(t, "what is heard", <-failures, "first")
}

func TestPoll(t *testing.T) {
	server := apitest.New(t, apitest.Rescued(t, "cart")...)
	c := connect(t, server)
	type answer struct {
		progress story.Progress
		err      error
	}
	pending, healthy := answer{progress: story.Progress{Message: "#3 is Progressing"}}, answer{progress: story.Progress{State: story.Healthy, Message: "done"}}
	for _, tt := range []struct {
		reason  string
		answers []answer
		want    story.Progress
		waiting string
		err     string
	}{
		{"at once", []answer{healthy}, healthy.progress, "", ""},
		{"after a change", []answer{pending, healthy}, healthy.progress, "#3 is Progressing", ""},
		{"a server that goes away and comes back", []answer{{err: apierrors.NewServiceUnavailable("later")}, healthy}, healthy.progress, "the cluster does not answer: later", ""},
		{"an error", []answer{pending, {err: errors.New("boom")}}, pending.progress, "#3 is Progressing", "boom"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			asked, waiting := 0, ""
			got, err := Poll(t.Context(), c.API, PollOptions{
				Namespace: apitest.Namespace, Name: "cart", Timeout: patience,
				Look: func(context.Context) (story.Progress, error) {
					a := tt.answers[min(asked, len(tt.answers)-1)]
					asked++
					return a.progress, a.err
				},
				Waiting: func(message string) {
					waiting = message
					server.Put(apitest.Revision(t, 4, apitest.Deployment("cart", "x"), v1alpha1.PhaseProgressing))
				},
			})
			says(t, tt.reason, err, tt.err)
			if got != tt.want || waiting != tt.waiting {
				t.Errorf("%v after %q, want %v after %q", got, waiting, tt.want, tt.waiting)
			}
		})
	}
}

func TestPoll_end(t *testing.T) {
	server := apitest.New(t, apitest.Rescued(t, "cart")...)
	server.Forbid("watch", "workloadrevisions")
	c := connect(t, server)
	options := PollOptions{
		Namespace: apitest.Namespace, Name: "cart", Timeout: 300 * time.Millisecond,
		Look: func(ctx context.Context) (story.Progress, error) {
			return story.Progress{Message: "#3 is Progressing"}, nil
		},
		Waiting: func(string) {},
	}
	got, err := Poll(t.Context(), c.API, options)
	if err != nil || got.State != story.Pending || got.Message != "#3 is Progressing" {
		t.Errorf("after the time: %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	options.Timeout = patience
	options.Waiting = func(string) { cancel() }
	_, err = Poll(ctx, c.API, options)
	says(t, "interrupted", err, "interrupted: #3 is Progressing")

	ctx, cancel = context.WithCancel(t.Context())
	options.Look = func(context.Context) (story.Progress, error) { cancel(); return story.Progress{}, ctx.Err() }
	_, err = Poll(ctx, c.API, options)
	says(t, "interrupted while it reads", err, "interrupted")
}

// tailed is a Logs that runs.
type tailed struct {
	lines, warnings chan string
	revision        chan *v1alpha1.WorkloadRevision
	ended           chan error
	cancel          context.CancelFunc
}

func tailOf(t *testing.T, server *apitest.Server, container string, lines int64) *tailed {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := connect(t, server)
	w, err := cluster.NewWorkloads(c).Find(ctx, apitest.Namespace, "cart")
	if err != nil {
		t.Fatal(err)
	}
	f := &tailed{
		lines: make(chan string, 1000), warnings: make(chan string, 1000), revision: make(chan *v1alpha1.WorkloadRevision, 1), ended: make(chan error, 1), cancel: cancel,
	}
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)
	running.Go(func() {
		r, err := Logs(ctx, c, LogOptions{
			Workload: w, Revision: w.History.Newest(), Container: container, Tail: lines,
			Line: func(pod, container string, text []byte) error {
				f.lines <- fmt.Sprintf("%s/%s %s", pod, container, strings.TrimSuffix(string(text), "\n"))
				return nil
			},
			Warn: func(err error) { f.warnings <- err.Error() },
		})
		f.revision <- r
		f.ended <- err
	})
	return f
}

func (f *tailed) reads(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range want {
		got = append(got, next(t, f.lines, "line "+fmt.Sprint(want), func(string) bool { return true }))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLogs(t *testing.T) {
	server := apitest.New(t, apitest.Rescued(t, "cart")...)
	server.Log("cart-good", "main", "one", "two", "three")
	f := tailOf(t, server, "", 2)
	f.reads(t, "cart-good/main two", "cart-good/main three")
	server.Log("cart-good", "main", "four")
	f.reads(t, "cart-good/main four")

	// The connection breaks: the log is read on, and no line twice.
	server.BreakLog("cart-good", "main")
	server.Log("cart-good", "main", "five")
	f.reads(t, "cart-good/main five")

	// The container is restarted, and a second pod starts.
	server.EndLog("cart-good", "main")
	set := apitest.ReplicaSet(apitest.Deployment("cart", "podinfo:1"))
	waiting := apitest.Pod(set, "cart-new")
	waiting.Status.ContainerStatuses = nil
	server.Put(waiting)
	server.Log("cart-new", "main", "hello")
	server.Put(apitest.Pod(set, "cart-new"))
	f.reads(t, "cart-new/main hello")

	// Another deploy: the pods go.
	next := apitest.Deployment("cart", "podinfo:4")
	server.Put(next)
	server.EndLog("cart-new", "main")
	for _, pod := range []string{"cart-good", "cart-new"} {
		server.Delete("pods", apitest.Namespace, pod)
	}
	select {
	case r := <-f.revision:
		if r == nil || r.Spec.Number != 3 {
			t.Errorf("ended is %v", r)
		}
	case <-time.After(patience):
		t.Fatal("it goes on although the revision runs no more")
	}
	says(t, "its end", <-f.ended, "")
}

func TestLogs_errors(t *testing.T) {
	server := apitest.New(t, apitest.Rescued(t, "cart")...)
	f := tailOf(t, server, "nope", -1)
	says(t, "no such container", <-f.ended, `there is no container "nope"; there are main`)

	server.Fail("log pods", 1, apierrors.NewServiceUnavailable("later"))
	server.Log("cart-good", "main", "one")
	f = tailOf(t, server, "main", -1)
	if got := next(t, f.warnings, "warning", func(string) bool { return true }); !strings.Contains(got, "reading the log of container main in pod cart-good: later") {
		t.Errorf("the warning is %q", got)
	}
	f.reads(t, "cart-good/main one")
	f.cancel()
	says(t, "interrupted", <-f.ended, "")

	server.Forbid("log", "pods")
	f = tailOf(t, server, "main", -1)
	says(t, "no right to logs", <-f.ended, "the right to get pods/log")

	server.Forbid("list", "pods")
	f = tailOf(t, server, "main", -1)
	says(t, "no right to pods", <-f.ended, "you may not read workloads")
}

func TestTail_advance(t *testing.T) {
	var tail tail
	for _, tt := range []struct {
		line, want string
		isNew      bool
	}{
		{"2027-03-31T12:00:00.5Z a b\n", "a b\n", true}, {"2027-03-31T12:00:00.5Z a b\n", "", false},
		{"2027-03-31T12:00:00.6Z \n", "\n", true}, {"no time\n", "no time\n", true},
	} {
		if text, isNew := tail.advance([]byte(tt.line)); string(text) != tt.want || isNew != tt.isNew {
			t.Errorf("%q is %q, %v", tt.line, text, isNew)
		}
	}
}

func TestRunOf(t *testing.T) {
	pod := apitest.Pod(apitest.ReplicaSet(apitest.Deployment("cart", "x")), "a")
	if run, running := runOf(pod, "main"); run != "run-1" || !running {
		t.Errorf("it is %s, %v", run, running)
	}
	if run, running := runOf(&corev1.Pod{}, "main"); run != "" || running {
		t.Errorf("a pod that has not started has %s, %v", run, running)
	}
}

func TestTrim(t *testing.T) {
	d := apitest.Deployment("cart", "x")
	d.ManagedFields = append(d.ManagedFields, d.ManagedFields...)
	got, err := trim(d)
	if err != nil || got.(*appsv1.Deployment).ManagedFields != nil {
		t.Errorf("%v, %v", got, err)
	}
}
