package rollback

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/faults"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/workload"
)

// run plays one story in a namespace of its own.
type run struct {
	*testing.T
	story
	api       client.Client
	namespace string
	// before is what there was of the workload when #1 was live, and since the resourceVersion when
	// the rollback was due.
	before state
	since  string

	mu      sync.Mutex
	armed   bool
	life    int
	upsets  int
	refused map[step]bool
	journal []string
	// deaths are the steps at which a life ended.
	deaths []step
	// meanwhile are deployers at work.
	meanwhile sync.WaitGroup
	// fixed is the hash of the fix's intent once it is deployed.
	fixed string
}

// play plays the story until nobody dies any more, and judges.
func (r *run) play() {
	r.Cleanup(r.meanwhile.Wait) // Where the test has failed, a leader may still be ending.
	r.Cleanup(func() {
		if r.Failed() {
			r.Logf("%s\nto repeat it: go test ./e2e/rollback -count=1 -cases=1 -seed=%d -v\n%s", r.story, r.seed, strings.Join(r.journal, "\n"))
		}
	})
	if err := r.createNamespace(); err != nil {
		r.Fatal(err)
	}
	current := r.start(lags{})
	r.prologue()
	r.arm()
	r.makeDue()
	for {
		ended := r.await(current)
		if ended {
			break
		}
		r.mu.Lock()
		next := lags{recorder: faults.Lag{Delay: r.lateRecorder}}
		if r.stale[r.life] {
			next.cache.From = r.since
		}
		next.cache.Delay = r.late[r.life]
		r.life++
		first := r.life == 1
		r.mu.Unlock()
		if first {
			r.wait(r.pause)
		}
		current = r.start(next)
	}
	current.Kill()
	r.meanwhile.Wait()
	r.nothingLeft()
	r.judge()
}

func (r *run) createNamespace() error {
	annotations := map[string]string{v1alpha1.BakeTimeAnnotation: "0s"}
	if r.trigger == byRequestOnly {
		annotations[v1alpha1.RollbackAnnotation] = string(workload.ModeManual)
	}
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: fmt.Sprintf("rollback-%d-", r.seed), Annotations: annotations}}
	if err := r.api.Create(r.Context(), n); err != nil {
		return err
	}
	r.namespace = n.Name
	return nil
}

// start starts a leader.
func (r *run) start(late lags) *leader {
	l := r.newLeader(late)
	r.meanwhile.Go(func() {
		if err := l.run(); err != nil {
			r.Error(err)
		}
	})
	return l
}

func (r *run) newLeader(late lags) *leader {
	l, err := newLeader(faults.NewProcess(r.Context(), r.decide), r.api, r.namespace, late, r.log())
	if err != nil {
		r.Fatal(err)
	}
	return l
}

// log notes what a leader complains of.
func (r *run) log() logr.Logger {
	return funcr.New(func(prefix, args string) { r.note("  " + prefix + " " + args) }, funcr.Options{Verbosity: -1})
}

func (r *run) note(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.journal = append(r.journal, time.Now().Format("05.000 ")+line)
}

// prologue has all good versions deployed and healthy, once the recorder watches.
func (r *run) prologue() {
	product.Eventually(r, func() (bool, string) {
		err := r.api.Get(r.Context(), client.ObjectKey{Namespace: product.Namespace, Name: instance(r.namespace) + "-recorder"}, &coordinationv1.Lease{})
		return err == nil, fmt.Sprintf("the recorder has no checkpoint: %v", err)
	})
	want := ""
	for i, v := range r.good() {
		r.deploy(v)
		want = strings.TrimPrefix(fmt.Sprintf("%s, %d Healthy", want, i+1), ", ")
		r.becomes(want)
		if i == 0 {
			r.before = r.look()
		}
	}
	if r.trigger == byRequestOnly {
		r.deadline()
		r.deploy(version{name: "bad", bad: r.bad})
		r.becomes("1 Healthy, 2 Failed")
		product.Eventually(r, func() (bool, string) { return r.look().told("RollbackHeld", "#2") == 1, "#2 is not told as held" })
	}
}

// deadline has what never becomes ready fail soon: a variable that cannot be read counts as late at
// first.
func (r *run) deadline() {
	if r.bad != byVariable {
		return
	}
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:"5s"}}}`, v1alpha1.FailureDeadlineAnnotation)
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.namespace}}
	if err := r.api.Patch(r.Context(), n, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		r.Fatal(err)
	}
}

// arm has everything that is written from now on meet the story.
func (r *run) arm() {
	var list appsv1.DeploymentList
	if err := r.api.List(r.Context(), &list, client.InNamespace(r.namespace)); err != nil {
		r.Fatal(err)
	}
	r.since = list.ResourceVersion
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed = true
}

// makeDue makes the rollback of #2 to #1 due.
func (r *run) makeDue() {
	if r.trigger == byFailure {
		r.deadline()
		r.deploy(version{name: "bad", bad: r.bad})
		return
	}
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:"1@2"}}}`, v1alpha1.RollbackToAnnotation)
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: app}}
	if err := r.api.Patch(r.Context(), d, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		r.Fatal(err)
	}
}

// decide has the story go on by one write.
func (r *run) decide(w faults.Write) faults.Outcome {
	at := stepOf(w)
	r.mu.Lock()
	if !r.armed || at == checkpoint {
		r.mu.Unlock()
		return faults.Pass
	}
	upsetNow := r.upset != nothing && at == r.upsetAt && r.upsets == 0
	if upsetNow {
		r.upsets++
	}
	outcome := faults.Pass
	if how, ok := r.refusals[at]; ok && !r.refused[at] {
		r.refused[at], outcome = true, how
	} else if r.life < len(r.kills) && at == r.kills[r.life].at {
		outcome = r.kills[r.life].how
		r.deaths = append(r.deaths, at)
	}
	life := r.life
	r.mu.Unlock()
	r.note(fmt.Sprintf("life %d: %s %s", life, outcome, at))
	if r.upset == nothing && !slices.Contains(steps, at) {
		r.Errorf("%q is no step of a rollback", at)
	}
	if err := r.tooSoon(at); err != nil {
		r.Error(err)
	}
	if upsetNow {
		r.meddle()
	}
	return outcome
}

// deploy applies a version.
func (r *run) deploy(v version) {
	for _, o := range v.objects(r.namespace, r.files) {
		if err := r.apply(o); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *run) becomes(phases string) {
	product.Eventually(r, func() (bool, string) {
		got := r.look().phases()
		return got == phases, fmt.Sprintf("the history is %q, want %q", got, phases)
	})
}

// await waits until a life ends, or the story has come to its end in it, and says which.
func (r *run) await(l *leader) (ended bool) {
	product.Eventually(r, func() (bool, string) {
		if l.Context().Err() != nil {
			return true, ""
		}
		missing := r.missing(r.look(), l)
		ended = missing == ""
		return ended, missing
	})
	return ended
}
