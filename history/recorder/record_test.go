package recorder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/internal/fairqueue"
	"reprise.dev/reprise/internal/fakeapi"
)

func TestRecorder_recordIntent(t *testing.T) {
	c := newCluster(t)
	r := c.recorder()
	must(t, r, c.deploy(t, "x:1"))
	c.Forget()
	second := c.deploy(t, "x:2")
	second.Skipped = 2
	must(t, r, second)
	var writes []string
	for _, w := range c.Writes() {
		writes = append(writes, w.String())
	}
	for i := range writes { // The names of Events are hashes.
		writes[i], _, _ = strings.Cut(writes[i], "/a.")
	}
	want := []string{
		"create WorkloadRevision shop/a-2", "create Event shop", "patch WorkloadRevision/status shop/a-1",
		"update WorkloadRevision/status shop/a-2",
	}
	if d := cmp.Diff(want, writes); d != "" {
		t.Errorf("the writes (-want +got):\n%s", d)
	}
	must(t, r, c.deploy(t, "x:3"))
	wantState := `#2 x:2 Superseded Compliant=False
#3 x:3 Progressing Compliant=False
RevisionRecorded×1 Revision #1 recorded
RevisionRecorded×1 Revision #2 recorded; the rate limit skipped 2 changes since #1: containers.main.image 1 → 2
RevisionRecorded×1 Revision #3 recorded: containers.main.image 2 → 3`
	if d := cmp.Diff(wantState, c.state(t)); d != "" {
		t.Errorf("the state after pruning (-want +got):\n%s", d)
	}
	if c.counts != (counts{recorded: 3}) {
		t.Errorf("counted %+v", c.counts)
	}
}

func TestRecorder_recordIntent_NothingToDo(t *testing.T) {
	c := newCluster(t)
	r := c.recorder()
	first := c.deploy(t, "x:1")
	second := c.deploy(t, "x:2")
	must(t, r, second)
	c.Forget()
	for reason, e := range map[string]intentEvent{"it is recorded": second, "an older one is replayed": first} {
		must(t, r, e)
		if writes := c.Writes(); len(writes) > 0 {
			t.Errorf("%s: %v", reason, writes)
		}
	}
}

// script is what happens to a workload while writes fail: deploys, one of them with a file, and a
// change of the file. It returns how many writes that takes. A deploy without faults follows, which
// prunes what the others did not.
func (c *cluster) script(t *testing.T, attempt func(observation)) (writes int) {
	t.Helper()
	for _, image := range []string{"x:1", "x:2"} {
		attempt(c.deploy(t, image))
	}
	c.setStatus(t, 2, func(s *v1alpha1.WorkloadRevisionStatus) { s.Phase = v1alpha1.PhaseHealthy })
	c.writeFile(t, "one")
	attempt(c.deploy(t, "x:3", mounted))
	c.writeFile(t, "two")
	attempt(filesRequest{client.ObjectKey{Namespace: "shop", Name: "a"}})
	writes = len(c.Writes())
	c.Revive()
	must(t, c.recorder(), c.deploy(t, "x:4", mounted))
	return writes
}

// undisturbed returns the state after the script without any fault, and how many writes that takes.
func undisturbed(t *testing.T) (state string, writes int) {
	t.Helper()
	c := newCluster(t)
	r := c.recorder()
	writes = c.script(t, func(what observation) { must(t, r, what) })
	return c.state(t), writes
}

// TestRecorder_Killed kills the recorder after every one of its writes: the next one reaches the
// same state.
func TestRecorder_Killed(t *testing.T) {
	want, writes := undisturbed(t)
	for after := range writes {
		c := newCluster(t)
		c.KillAfter(after)
		c.script(t, func(what observation) {
			if _, err := c.recorder().recordOnce(t.Context(), what); err == nil {
				return
			} else if !errors.Is(err, fakeapi.ErrKilled) {
				t.Fatalf("killed after %d writes: %v", after, err)
			}
			c.Revive()
			must(t, c.recorder(), what) // The next leader replays it.
			must(t, c.recorder(), what)
		})
		if d := cmp.Diff(want, c.state(t)); d != "" {
			t.Errorf("killed after %d writes (-want +got):\n%s", after, d)
		}
	}
}

// TestRecorder_WriteFails lets every write fail once: it is not stored, or it is stored and its
// answer is lost.
func TestRecorder_WriteFails(t *testing.T) {
	want, writes := undisturbed(t)
	faults := map[string]func(c *cluster, n int){
		"conflict": func(c *cluster, n int) { c.Refuse(fakeapi.Nth(n, fakeapi.Conflict())) },
		"lost":     func(c *cluster, n int) { c.Lose(fakeapi.Nth(n, errTimeout)) },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			for n := 1; n <= writes; n++ {
				c := newCluster(t)
				r := c.recorder()
				fault(c, n)
				c.script(t, func(what observation) { settle(t.Context(), r, what) })
				if d := cmp.Diff(want, c.state(t)); d != "" {
					t.Errorf("write %d (-want +got):\n%s", n, d)
				}
				if c.counts.failed > 0 {
					t.Errorf("write %d: %d intents count as not recorded", n, c.counts.failed)
				}
			}
		})
	}
}

// TestRecorder_CacheLags has the cache show what was stored before the first deploy.
func TestRecorder_CacheLags(t *testing.T) {
	c := newCluster(t)
	c.Freeze(t)
	r := c.recorder()
	for _, image := range []string{"x:1", "x:2", "x:3", "x:4"} {
		e := c.deploy(t, image)
		must(t, r, e)
		must(t, r, e)
	}
	var numbers []int64
	for _, revision := range c.history(t) {
		numbers = append(numbers, revision.Spec.Number)
	}
	if !slices.Equal(numbers, []int64{1, 2, 3, 4}) {
		t.Errorf("got %v", numbers)
	}
}

func TestRecorder_OtherLeader(t *testing.T) {
	for test, tt := range map[string]struct {
		reason string
		// other is what another leader records just before this one creates #2.
		other func(t *testing.T, c *cluster, mine intentEvent) observation
		want  string
	}{
		"SameIntent": {
			"it replays the same watch",
			func(_ *testing.T, _ *cluster, mine intentEvent) observation { return mine },
			"#1 x:1 Superseded|#2 x:2 Progressing",
		},
		"NewerIntent": {
			"it is ahead, and the watch brings this one the newer intent too",
			func(t *testing.T, c *cluster, _ intentEvent) observation { return c.deploy(t, "x:3") },
			"#1 x:1 Superseded|#2 x:3 Progressing",
		},
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			must(t, c.recorder(), c.deploy(t, "x:1"))
			mine := c.deploy(t, "x:2")
			overtaken := false
			c.Refuse(func(w fakeapi.Write) error {
				if w.Is("create WorkloadRevision") && !overtaken {
					overtaken = true
					must(t, c.recorder(), tt.other(t, c, mine))
				}
				return nil
			})
			settle(t.Context(), c.recorder(), mine)
			var got []string
			for _, r := range c.history(t) {
				got = append(got, fmt.Sprintf("#%d %s %s", r.Spec.Number, r.Spec.Images, r.Status.Phase))
			}
			if strings.Join(got, "|") != tt.want {
				t.Errorf("%s: %s, want %s", tt.reason, strings.Join(got, "|"), tt.want)
			}
		})
	}
}

func TestRecorder_IncompleteOfAnotherIntent(t *testing.T) {
	c := newCluster(t)
	c.KillAfter(1)
	if _, err := c.recorder().recordOnce(t.Context(), c.deploy(t, "x:1")); !errors.Is(err, fakeapi.ErrKilled) {
		t.Fatal(err)
	}
	c.Revive()
	late := c.deploy(t, "x:2") // The API server cannot replay x:1 any more.
	late.Adoption = history.AdoptedAfterGap
	must(t, c.recorder(), late)
	want := `#1 x:1 Superseded
#2 x:2 Unknown Adopted=True Compliant=False
RevisionRecorded×1 Revision #2 recorded: containers.main.image 1 → 2`
	got := c.state(t)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRecorder_Rollback(t *testing.T) {
	c := newCluster(t)
	r := c.recorder()
	must(t, r, c.deploy(t, "x:1"))
	c.setStatus(t, 1, func(s *v1alpha1.WorkloadRevisionStatus) { s.Phase = v1alpha1.PhaseHealthy })
	must(t, r, c.deploy(t, "x:2"))
	target := c.history(t).Number(1)
	c.setStatus(t, 2, func(s *v1alpha1.WorkloadRevisionStatus) {
		s.Phase = v1alpha1.PhaseFailed
		s.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1, ToIntentHash: target.Spec.IntentHash, StartTime: metav1.NewTime(now)}
	})
	must(t, r, c.deploy(t, "x:1"))
	restored := c.history(t).Newest()
	if restored.Spec.RollbackOf != 2 || restored.Spec.RestoredFrom != 1 || len(c.history(t)) != 3 {
		t.Errorf("#%d is the rollback of #%d to #%d", restored.Spec.Number, restored.Spec.RollbackOf, restored.Spec.RestoredFrom)
	}
	if got := c.state(t); !strings.Contains(got, "Rollback recorded as revision #3, which restores #1: containers.main.image 2 → 1") {
		t.Errorf("got\n%s", got)
	}
}

func TestRecorder_recordFiles(t *testing.T) {
	request := filesRequest{client.ObjectKey{Namespace: "shop", Name: "a"}}
	for test, tt := range map[string]struct {
		reason string
		before func(t *testing.T, c *cluster)
		want   string
	}{
		"Changed":   {"the content is new", func(t *testing.T, c *cluster) { c.writeFile(t, "two") }, "#1 #2f"},
		"Unchanged": {"the file was written with the same content", func(t *testing.T, c *cluster) { c.writeFile(t, "one") }, "#1"},
		"Deleted": {"the file is gone", func(t *testing.T, c *cluster) {
			if err := c.Direct().Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fileName}}); err != nil {
				t.Fatal(err)
			}
		}, "#1 #2f"},
		"WithIntent": {"the intent changed too, and its revision records the files", func(t *testing.T, c *cluster) {
			c.writeFile(t, "two")
			c.deploy(t, "x:2", mounted)
		}, "#1"},
		"RollingBack": {"the rollback writes files itself", func(t *testing.T, c *cluster) {
			c.writeFile(t, "two")
			c.setStatus(t, 1, func(s *v1alpha1.WorkloadRevisionStatus) {
				s.Phase, s.Rollback = v1alpha1.PhaseFailed, &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1, StartTime: metav1.NewTime(now)}
			})
		}, "#1"},
		"NoDeployment": {"the workload is gone", func(t *testing.T, c *cluster) {
			if err := c.Direct().Delete(t.Context(), deployment("a", "", "")); err != nil {
				t.Fatal(err)
			}
		}, "#1"},
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			c.writeFile(t, "one")
			must(t, c.recorder(), c.deploy(t, "x:1", mounted))
			tt.before(t, c)
			for range 2 {
				must(t, c.recorder(), request)
			}
			var got []string
			for _, r := range c.history(t) {
				text := fmt.Sprintf("#%d", r.Spec.Number)
				if r.FilesOnly() {
					text += "f"
				}
				got = append(got, text)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%s: %v, want %s", tt.reason, got, tt.want)
			}
		})
	}
}

func TestRecorder_record_Permanent(t *testing.T) {
	const seed = 1
	noise := make([]byte, 3<<19) // Random bytes cannot be compressed.
	if _, err := rand.NewChaCha8([32]byte{seed}).Read(noise); err != nil {
		t.Fatal(err)
	}
	for test, tt := range map[string]struct {
		reason  string
		prepare func(*cluster)
		change  func(*appsv1.Deployment)
	}{
		"TooLarge": {"the revision does not fit into etcd", func(*cluster) {}, func(d *appsv1.Deployment) { d.Annotations["noise"] = string(noise) }},
		"Invalid": {"the API server rejects it", func(c *cluster) {
			c.Refuse(fakeapi.All("create WorkloadRevision", apierrors.NewInvalid(v1alpha1.GroupVersion.WithKind("WorkloadRevision").GroupKind(), "a-1", nil)))
		}, func(*appsv1.Deployment) {}},
		"RequestTooLarge": {"the API server's limit is lower", func(c *cluster) {
			c.Refuse(fakeapi.All("create WorkloadRevision", apierrors.NewRequestEntityTooLargeError("limit is 1")))
		}, func(*appsv1.Deployment) {}},
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			tt.prepare(c)
			r := c.recorder()
			settle(t.Context(), r, c.deploy(t, "x:1", tt.change))
			got := c.state(t)
			if !strings.HasPrefix(got, "RecordingFailed×1 Revision not recorded; it cannot be used as a rollback target: ") {
				t.Errorf("%s: %s", tt.reason, got)
			}
			c.Revive()
			settle(t.Context(), r, c.deploy(t, "x:2"))
			if got := c.history(t); c.counts != (counts{recorded: 1, failed: 1}) || len(got) != 1 || got[0].Spec.Number != 1 {
				t.Errorf("%s: the next deploy gives %d revisions, counted %+v", tt.reason, len(got), c.counts)
			}
		})
	}
}

func TestRecorder_record_PermanentFiles(t *testing.T) {
	c := newCluster(t)
	c.writeFile(t, "one")
	must(t, c.recorder(), c.deploy(t, "x:1", mounted))
	c.writeFile(t, "two")
	c.Refuse(fakeapi.All("create WorkloadRevision", apierrors.NewRequestEntityTooLargeError("limit is 1")))
	settle(t.Context(), c.recorder(), filesRequest{client.ObjectKey{Namespace: "shop", Name: "a"}})
	if got := c.state(t); c.counts.failed != 1 || !strings.Contains(got, "RecordingFailed×1") {
		t.Errorf("counted %+v:\n%s", c.counts, got)
	}
}

// TestRecorder_record_Refused refuses revisions in a namespace, as a quota does: that is told once,
// it does not hold up the checkpoint, and the newest intent is recorded when the refusal ends.
func TestRecorder_record_Refused(t *testing.T) {
	quota := apierrors.NewForbidden(v1alpha1.GroupVersion.WithResource("workloadrevisions").GroupResource(), "a-1", errors.New("exceeded quota: count=0"))
	c := newCluster(t)
	r, p := c.recorder(), &watchProgress{}
	fake := clocktesting.NewFakeClock(now)
	r.Clock = fake
	c.Refuse(fakeapi.All("create WorkloadRevision", quota))
	q := newWorkQueue(fairqueue.Limits{Slots: 1, PerKey: 1}, limit(100), fake, p, r.attempt)
	add := func(image, version string) {
		e := c.deploy(t, image)
		e.tracked = p.track(version, false)
		q.add(t.Context(), e)
	}
	add("x:1", "1")
	awaitTimer(fake)
	want := "RecordingFailed×1 Revision not recorded; it cannot be used as a rollback target: creating revision a-1: " + quota.Error() +
		"; ask the administrator to allow workloadrevisions.reprise.dev in this namespace; Reprise tries again"
	if d := cmp.Diff(want, c.state(t)); d != "" {
		t.Errorf("refused (-want +got):\n%s", d)
	}
	if p.checkpoint() != "1" {
		t.Errorf("the checkpoint is %q: one namespace holds up all", p.checkpoint())
	}
	fake.Step(time.Minute)
	awaitTimer(fake)
	if c.counts.failed != 1 || !strings.HasSuffix(c.state(t), want) {
		t.Errorf("refused again: counted %+v\n%s", c.counts, c.state(t))
	}
	add("x:2", "2")
	add("x:3", "3")
	if len(q.workloads[client.ObjectKey{Namespace: "shop", Name: "a"}].waiting) != 1 {
		t.Error("what arrives meanwhile piles up")
	}
	c.Revive()
	fake.Step(10 * time.Minute)
	q.busy.Wait()
	if h := c.history(t); len(h) != 1 || h[0].Spec.Images != "x:3" || h[0].Spec.SkippedRevisions != 2 || p.checkpoint() != "3" {
		t.Errorf("the refusal has ended, the checkpoint is %q:\n%s", p.checkpoint(), c.state(t))
	}
}

// TestRecorder_record_Starting has an API server that starts forbid all until it has read the
// roles: every intent is recorded then, and nobody is told that one was not.
func TestRecorder_record_Starting(t *testing.T) {
	c := newCluster(t)
	r, p := c.recorder(), &watchProgress{}
	fake := clocktesting.NewFakeClock(now)
	r.Clock = fake
	c.Refuse(fakeapi.All("create WorkloadRevision", fakeapi.Errors()["403 starting"]))
	q := newWorkQueue(fairqueue.Limits{Slots: 1, PerKey: 1}, limit(100), fake, p, r.attempt)
	for version, image := range []string{"x:1", "x:2", "x:3"} {
		e := c.deploy(t, image)
		e.tracked = p.track(strconv.Itoa(version), false)
		q.add(t.Context(), e)
	}
	awaitTimer(fake)
	if got := c.state(t); got != "" || p.checkpoint() != "" || c.counts != (counts{}) {
		t.Errorf("counted %+v, the checkpoint is %q:\n%s", c.counts, p.checkpoint(), got)
	}
	c.Revive()
	fake.Step(time.Minute)
	q.busy.Wait()
	if p.checkpoint() != "2" || !strings.Contains(c.state(t), "Revision #3 recorded: containers.main.image 2 → 3") {
		t.Errorf("the roles are read, the checkpoint is %q:\n%s", p.checkpoint(), c.state(t))
	}
}

// TestRecorder_record_EventStarting has an API server that starts forbid Events: the Event is
// written then.
func TestRecorder_record_EventStarting(t *testing.T) {
	c := newCluster(t)
	c.Refuse(func() func(fakeapi.Write) error {
		var tries atomic.Int32
		return func(w fakeapi.Write) error {
			if w.Is("create Event") && tries.Add(1) == 1 {
				return fakeapi.Errors()["403 starting"]
			}
			return nil
		}
	}())
	settle(t.Context(), c.recorder(), c.deploy(t, "x:1"))
	if got := c.state(t); !strings.Contains(got, "RevisionRecorded×1") {
		t.Errorf("counted %+v:\n%s", c.counts, got)
	}
}

// TestRecorder_record_EventRefused refuses Events only, for any reason: the revision is recorded.
func TestRecorder_record_EventRefused(t *testing.T) {
	for test, err := range map[string]error{
		"Forbidden": apierrors.NewForbidden(corev1.Resource("events"), "a", errors.New("a policy of the namespace")),
		"Invalid":   apierrors.NewInvalid(schema.GroupKind{Kind: "Event"}, "a", nil),
		"Role":      apierrors.NewForbidden(corev1.Resource("events"), "a", errors.New(`User "reprise" cannot create resource "events"`)),
		"Webhook":   apierrors.NewInternalError(errors.New("failed calling webhook")),
		"Gone":      apierrors.NewNotFound(corev1.Resource("events"), "a"),
		"Conflict":  apierrors.NewConflict(corev1.Resource("events"), "a", errors.New("a policy")),
		"TooMany":   apierrors.NewTooManyRequestsError("Events"),
		"Timeout":   errTimeout,
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			c.Refuse(fakeapi.All("create Event", err))
			settle(t.Context(), c.recorder(), c.deploy(t, "x:1"))
			if got := c.state(t); got != "#1 x:1 Progressing Compliant=False" || c.counts != (counts{recorded: 1}) {
				t.Errorf("counted %+v:\n%s", c.counts, got)
			}
		})
	}
}

func TestRecorder_record_NamespaceGone(t *testing.T) {
	terminating := apierrors.NewForbidden(v1alpha1.GroupVersion.WithResource("workloadrevisions").GroupResource(), "a-1", errors.New("terminating"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for test, err := range map[string]error{
		"Gone":        apierrors.NewNotFound(corev1.Resource("namespaces"), "shop"),
		"Terminating": terminating,
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			c.Refuse(fakeapi.All("create WorkloadRevision", err))
			settle(t.Context(), c.recorder(), c.deploy(t, "x:1"))
			if got := c.state(t); got != "" || c.counts != (counts{}) {
				t.Errorf("counted %+v:\n%s", c.counts, got)
			}
		})
	}
}

// TestRecorder_record_Deleted deletes a revision between its creation and its completion: it is
// recorded again.
func TestRecorder_record_Deleted(t *testing.T) {
	c := newCluster(t)
	deleted := false
	c.Refuse(func(w fakeapi.Write) error {
		if w.Is("update WorkloadRevision/status") && !deleted {
			deleted = true
			return c.Direct().Delete(t.Context(), w.Object.DeepCopyObject().(client.Object))
		}
		return nil
	})
	settle(t.Context(), c.recorder(), c.deploy(t, "x:1"))
	if h := c.history(t); len(h) != 1 || h[0].Status.Phase != v1alpha1.PhaseProgressing {
		t.Errorf("got\n%s", c.state(t))
	}
}

func TestRecorder_record_ContextEnds(t *testing.T) {
	c := newCluster(t)
	ctx, cancel := context.WithCancel(t.Context())
	c.Refuse(func(w fakeapi.Write) error {
		cancel()
		return errTimeout
	})
	settle(ctx, c.recorder(), c.deploy(t, "x:1"))
	if got := c.state(t); got != "" || c.counts != (counts{}) {
		t.Errorf("an intent counts as not recorded because the leader ended: %+v\n%s", c.counts, got)
	}
}

// TestRecorder_ReadFails lets every kind of read fail.
func TestRecorder_ReadFails(t *testing.T) {
	get := func(kind string) interceptor.Funcs {
		return interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
			if fmt.Sprintf("%T", object) == kind {
				return errTimeout
			}
			return c.Get(ctx, key, object, opts...)
		}}
	}
	list := interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errTimeout
	}}
	request := filesRequest{client.ObjectKey{Namespace: "shop", Name: "a"}}
	for test, tt := range map[string]struct {
		spoil func(*Recorder, *cluster)
		what  func(intentEvent) observation
	}{
		"Cache": {func(r *Recorder, c *cluster) { r.Client = interceptor.NewClient(c.Cached(), list) }, func(e intentEvent) observation { return e }},
		"Revision": {func(r *Recorder, c *cluster) {
			r.Live = interceptor.NewClient(c.Client(), get("*v1alpha1.WorkloadRevision"))
		}, func(e intentEvent) observation { return e }},
		"File":          {func(r *Recorder, c *cluster) { r.Live = interceptor.NewClient(c.Client(), get("*v1.ConfigMap")) }, func(e intentEvent) observation { return e }},
		"FileOfRequest": {func(r *Recorder, c *cluster) { r.Live = interceptor.NewClient(c.Client(), get("*v1.ConfigMap")) }, func(intentEvent) observation { return request }},
		"Deployment": {func(r *Recorder, c *cluster) {
			r.Live = interceptor.NewClient(c.Client(), get("*unstructured.Unstructured"))
		}, func(intentEvent) observation { return request }},
		"RevisionOfFiles": {func(r *Recorder, c *cluster) {
			r.Live = interceptor.NewClient(c.Client(), get("*v1alpha1.WorkloadRevision"))
		}, func(intentEvent) observation { return request }},
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			c.writeFile(t, "one")
			must(t, c.recorder(), c.deploy(t, "x:1", mounted))
			next := c.deploy(t, "x:2", mounted)
			c.Forget()
			r := c.recorder()
			tt.spoil(r, c)
			if _, err := r.recordOnce(t.Context(), tt.what(next)); !errors.Is(err, errTimeout) || len(c.Writes()) > 0 {
				t.Errorf("%v, and %v is written", err, c.Writes())
			}
		})
	}
}

// TestRecorder_prune_Fails shows that a revision is recorded even if older ones cannot be pruned.
func TestRecorder_prune_Fails(t *testing.T) {
	for test, prepare := range map[string]func(*Recorder, *cluster){
		"Delete": func(_ *Recorder, c *cluster) { c.Refuse(fakeapi.All("delete WorkloadRevision", errTimeout)) },
		"Namespace": func(r *Recorder, c *cluster) {
			r.Client = interceptor.NewClient(c.Cached(), interceptor.Funcs{
				Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
					return errTimeout
				},
			})
		},
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			must(t, c.recorder(), c.deploy(t, "x:1"))
			must(t, c.recorder(), c.deploy(t, "x:2"))
			r := c.recorder()
			prepare(r, c)
			must(t, r, c.deploy(t, "x:3"))
			if got := len(c.history(t)); got != 3 {
				t.Errorf("%d revisions", got)
			}
			c.Revive()
			must(t, c.recorder(), c.deploy(t, "x:4"))
			if got := len(c.history(t)); got != 2 {
				t.Errorf("%d revisions are left after the next deploy", got)
			}
		})
	}
}

// TestRecorder_recordFiles_HistoryDeleted records what runs after every revision was deleted.
func TestRecorder_recordFiles_HistoryDeleted(t *testing.T) {
	c := newCluster(t)
	r := c.recorder()
	must(t, r, c.deploy(t, "x:1"))
	must(t, r, c.deploy(t, "x:2"))
	for _, revision := range c.history(t) {
		if err := c.Direct().Delete(t.Context(), &revision); err != nil {
			t.Fatal(err)
		}
	}
	request := filesRequest{types.NamespacedName{Namespace: "shop", Name: "a"}}
	for range 2 {
		must(t, r, request)
	}
	h := c.history(t)
	if len(h) != 1 || h[0].Spec.Images != "x:2" || !h[0].IsAdopted() || h[0].Status.Phase != v1alpha1.PhaseUnknown {
		t.Errorf("got\n%s", c.state(t))
	}
}
