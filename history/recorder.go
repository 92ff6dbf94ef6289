package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/workload"
)

// workers is how many workloads are recorded at once.
const workers = 8

// Recorder writes a Revision for every new intent of a guarded workload.
type Recorder struct {
	// Client reads workloads and revisions from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server: what is numbered must not be numbered by a cache that lags.
	Live client.Reader
	// Events tells what was recorded.
	Events *event.Writer
	Clock  clock.PassiveClock
	// Started is when this process began to watch: a workload created before, whose intent is new to the
	// history, was not seen being deployed and is adopted.
	Started time.Time
	// Defaults are the install's settings.
	Defaults workload.Settings

	watched sync.Map // types.NamespacedName: recorded at least once since Started.
}

// SetupWithManager has the recorder called for every change of a Deployment.
func (r *Recorder) SetupWithManager(manager ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(manager).Named("recorder").For(&appsv1.Deployment{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).Complete(r)
}

// Reconcile records the workload's intent if it is new.
func (r *Recorder) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	d := &appsv1.Deployment{}
	if err := r.Client.Get(ctx, request.NamespacedName, d); err != nil {
		if apierrors.IsNotFound(err) {
			r.watched.Delete(request.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !workload.Guarded(d) || d.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	known, err := List(ctx, r.Client, d.Namespace, d.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !recorded(known, d) {
		if err := r.record(ctx, d); err != nil {
			return ctrl.Result{}, r.report(ctx, d, err)
		}
	}
	r.watched.Store(request.NamespacedName, true)
	return ctrl.Result{}, nil
}

// recorded says whether the newest revision is whole and holds the Deployment's intent.
func recorded(h History, d *appsv1.Deployment) bool {
	newest := h.Newest()
	return newest != nil && newest.Status.Phase != "" && newest.Spec.Workload.UID == d.UID &&
		newest.Spec.IntentHash == workload.IntentOf(d).Hash()
}

// record writes the next revision, tells of it, ends those that it replaces and prunes. Each step may be repeated:
// until the phase is written, the revision counts as not recorded.
func (r *Recorder) record(ctx context.Context, d *appsv1.Deployment) error {
	h, err := List(ctx, r.Live, d.Namespace, d.Name)
	if err != nil {
		return err
	}
	if recorded(h, d) || behind(h, d) {
		return nil
	}
	if newest := h.Newest(); newest != nil && newest.Status.Phase == "" {
		h = h[:len(h)-1] // Created, but its status was not written: make it again and finish it.
	}
	now := r.Clock.Now()
	next, err := h.Next(d, r.adopts(d), now)
	if err != nil {
		return err
	}
	if err := create(ctx, r.Client, r.Live, next); err != nil {
		return err
	}
	if err := r.Events.Write(ctx, recordedEvent(d, next, now)); err != nil {
		return err
	}
	if err := r.supersede(ctx, h, now); err != nil {
		return err
	}
	if err := r.Client.Status().Update(ctx, next); err != nil {
		return fmt.Errorf("writing the phase of revision %s: %w", next.Name, err)
	}
	log.FromContext(ctx).Info("recorded", "revision", next.Name, "number", next.Spec.Number, "change", next.Spec.Change)
	return r.prune(ctx, d, append(h, *next))
}

// behind says whether the Deployment out of the cache is older than what the newest revision was taken from.
// Resource versions of one kind can be compared (k8s.io/apimachinery/pkg/util/resourceversion); where they
// cannot, the cache is trusted.
func behind(h History, d *appsv1.Deployment) bool {
	newest := h.Newest()
	if newest == nil || newest.Spec.Workload.UID != d.UID {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(d.ResourceVersion, newest.Spec.ResourceVersion)
	return err == nil && order < 0
}

// adopts says whether the intent was deployed out of sight: the workload is older than the watch and this is
// its first look at it.
func (r *Recorder) adopts(d *appsv1.Deployment) bool {
	_, watched := r.watched.Load(types.NamespacedName{Namespace: d.Namespace, Name: d.Name})
	return !watched && !d.CreationTimestamp.After(r.Started)
}

// supersede ends the revisions that were replaced before there was a verdict.
func (r *Recorder) supersede(ctx context.Context, h History, now time.Time) error {
	for i := range h {
		if phase := h[i].Status.Phase; phase != v1alpha1.PhaseProgressing && phase != "" {
			continue
		}
		h[i].Status.Phase = v1alpha1.PhaseSuperseded
		h[i].Status.PhaseSince = &metav1.Time{Time: now}
		if err := r.Client.Status().Update(ctx, &h[i]); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("superseding revision %s: %w", h[i].Name, err)
		}
	}
	return nil
}

func (r *Recorder) prune(ctx context.Context, d *appsv1.Deployment, h History) error {
	namespace := &corev1.Namespace{}
	if err := r.Client.Get(ctx, client.ObjectKey{Name: d.Namespace}, namespace); err != nil {
		return fmt.Errorf("reading namespace %s for its settings: %w", d.Namespace, err)
	}
	settings, _ := workload.SettingsOf(d, namespace.Annotations, r.Defaults)
	for _, expired := range h.Expired(settings.HistoryLimit) {
		if err := r.Client.Delete(ctx, &expired); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("pruning revision %s: %w", expired.Name, err)
		}
	}
	return nil
}

// report tells the user that a revision could not be recorded, unless the failure is one of those that a
// repetition heals by itself.
func (r *Recorder) report(ctx context.Context, d *appsv1.Deployment, cause error) error {
	if !apierrors.IsInvalid(cause) && !apierrors.IsRequestEntityTooLargeError(cause) && !apierrors.IsForbidden(cause) {
		return cause
	}
	told := r.Events.Write(ctx, event.Event{
		Reason: event.RecordingFailed, Warning: true, About: event.About(d), Key: workload.IntentOf(d).Hash(), At: r.Clock.Now(),
		Message: event.Message("this deploy was not recorded and cannot be rolled back to: "+cause.Error(), nil, ""),
	})
	return errors.Join(cause, told)
}

func recordedEvent(d *appsv1.Deployment, revision *v1alpha1.Revision, now time.Time) event.Event {
	cause := fmt.Sprintf("#%d recorded", revision.Spec.Number)
	if revision.Spec.Restores != 0 {
		cause = fmt.Sprintf("#%d restores #%d", revision.Spec.Number, revision.Spec.Restores)
	}
	if revision.Spec.Change != "" {
		cause += ": " + revision.Spec.Change
	}
	return event.Event{
		Reason: event.RevisionRecorded, About: event.About(d), Key: revision.Name, At: now,
		Message: event.Message(cause, nil, ""),
	}
}
