// Package story composes the text that the kubectl plugin prints about a workload, from its history
// and its Deployment: lines, tables and pages of a given width.
//
// It holds no client and no clock. What it prints is masked already where Reprise wrote it down.
package story

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// Workload is what is known of one workload.
type Workload struct {
	Namespace, Name string
	// Context is that of the kubeconfig which the caller named, empty for the current one: commands
	// that are shown name it too.
	Context string
	// Deployment is what runs, nil where it is gone.
	Deployment *appsv1.Deployment
	// History is that of its name, with the revisions of Deployments of this name that are gone.
	History history.History
	// Settings are those of its annotations and its namespace's; the install's own defaults are not
	// known.
	Settings workload.Settings
	// Denied is the newest apply that admission denied since the newest revision was deployed.
	// Unchecked says that policies could not check the live revision. They are nil where there is
	// none, or Events were not read.
	Denied, Unchecked *Denial
}

// Live returns the revision that runs. It is nil where the Deployment is gone, or was changed and
// is not recorded yet.
func (w Workload) Live() *v1alpha1.WorkloadRevision {
	if w.Deployment == nil {
		return nil
	}
	return w.History.Live(history.IdentityOf(w.Deployment))
}

// Quarantined returns the newest failure if its pod template is in quarantine, and until when, else
// nil. It does not know that a quarantine ended early because its cause healed.
func (w Workload) Quarantined(now time.Time) (*v1alpha1.WorkloadRevision, time.Time) {
	last := w.History.LastFailure()
	if last == nil || w.Deployment == nil || !w.Settings.Quarantine {
		return nil, time.Time{}
	}
	return w.History.Quarantined(w.Deployment.UID, last.Spec.TemplateHash, now)
}

// restored returns Reprise's own revision that replaced another one, nil where there is none.
func (w Workload) restored(replaced *v1alpha1.WorkloadRevision) *v1alpha1.WorkloadRevision {
	for i := range w.History {
		if w.History[i].Spec.RollbackOf == replaced.Spec.Number {
			return &w.History[i]
		}
	}
	return nil
}

// command returns what to type for more about a workload.
func (w Workload) command(verb string, rest ...any) string {
	line := fmt.Sprintf("kubectl reprise %s %s -n %s", verb, w.Name, w.Namespace)
	for _, word := range rest {
		line += fmt.Sprint(" ", word)
	}
	return line + w.inContext()
}

// Resume returns the command that ends a pause.
func (w Workload) Resume() string { return w.command("resume") }

// inContext names the caller's context where it is not the current one.
func (w Workload) inContext() string {
	if w.Context == "" {
		return ""
	}
	return " --context " + w.Context
}

// phase returns a revision's state; one that is just being written has none yet.
func phase(r *v1alpha1.WorkloadRevision) string {
	if r.Status.Phase == "" {
		return string(v1alpha1.PhaseUnknown)
	}
	return string(r.Status.Phase)
}

// since returns when a revision reached its phase.
func since(r *v1alpha1.WorkloadRevision) time.Time {
	if r.Status.PhaseTransitionTime != nil {
		return r.Status.PhaseTransitionTime.Time
	}
	return r.Spec.AcceptedTime.Time
}

// age returns how long ago something was, as kubectl says it.
func age(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(now.Sub(at), 0))
}

// number returns the short name of a revision.
func number(n int64) string { return fmt.Sprintf("#%d", n) }

// pods returns how many of those that are wanted are of the newest template and ready.
func pods(d *appsv1.Deployment) (ready, wanted int32) {
	if d == nil {
		return 0, 0
	}
	wanted = 1
	if d.Spec.Replicas != nil {
		wanted = *d.Spec.Replicas
	}
	return d.Status.ReadyReplicas, wanted
}

// timeOf returns a time, and none where it is nil.
func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
