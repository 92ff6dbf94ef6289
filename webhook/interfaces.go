package webhook

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
)

// Policies judges. A *policy.Engine is one; a set that is reloaded is another.
type Policies interface {
	Evaluate(ctx context.Context, in policy.Input) policy.Verdict
}

// NamespaceData tells what decides about a pod in a namespace. It never fails:
// what it cannot tell it lists under effective.Namespace.Unknown.
type NamespaceData interface {
	For(ctx context.Context, namespace string) effective.Namespace
	// Annotations are the namespace's own, where settings may stand.
	Annotations(ctx context.Context, namespace string) map[string]string
}

// Revisions is a read-only view of what is recorded of workloads. It may lag
// behind; an error means that it cannot tell.
type Revisions interface {
	// Quarantined returns the failure for which a pod template is denied at
	// `now`; nil where it is not denied.
	Quarantined(ctx context.Context, workload types.NamespacedName, template *corev1.PodTemplateSpec, now time.Time) (*Quarantine, error)
	// LastHealthy returns the newest healthy revision; nil where there is none.
	LastHealthy(ctx context.Context, workload types.NamespacedName) (*Healthy, error)
	// Recorded says whether an intent is one of the workload's revisions. It
	// looks past its cache before it says no.
	Recorded(ctx context.Context, workload types.NamespacedName, intentHash string) (bool, error)
	// ChangedFiles names Score's files, as containers.NAME.files.PATH, that do not hold what the
	// newest revision had.
	ChangedFiles(ctx context.Context, workload types.NamespacedName) ([]string, error)
}

// Quarantine is why a pod template is denied.
type Quarantine struct {
	// Revision is the number of the revision that failed.
	Revision int64
	// Error is why it failed, in one line.
	Error string
	// Until is when it is admitted again.
	Until time.Time
}

// Healthy is a revision that was good.
type Healthy struct {
	Number     int64
	IntentHash string
}

// Events stores events. An *event.Writer is one.
type Events interface {
	Write(ctx context.Context, e event.Event) error
}
