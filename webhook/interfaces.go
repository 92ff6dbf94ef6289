package webhook

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// Policies evaluates inputs. *policy.Engine implements it, and so does a set that is reloaded.
type Policies interface {
	Evaluate(ctx context.Context, in policy.Input) policy.Verdict
}

// NamespaceData returns the objects that affect a pod in a namespace. It never fails: kinds that
// cannot be read are listed in effective.Namespace.Unknown.
type NamespaceData interface {
	For(ctx context.Context, namespace string) effective.Namespace
	// Annotations returns the namespace's annotations, which may hold settings.
	Annotations(ctx context.Context, namespace string) map[string]string
}

// Revisions reads the recorded revisions of workloads. It may lag behind. An error means that the
// answer is unknown.
type Revisions interface {
	// Quarantined returns the failure because of which a pod template of the Deployment with this UID
	// is denied at now; nil if it is not.
	Quarantined(ctx context.Context, workload types.NamespacedName, uid types.UID, template *corev1.PodTemplateSpec, now time.Time) (*Quarantine, error)
	// LastHealthy returns the newest healthy revision; nil if there is none.
	LastHealthy(ctx context.Context, workload types.NamespacedName) (*Healthy, error)
	// Recorded reports whether an intent with this hash is one of the workload's revisions, or one
	// with images pinned to digests that ran. It reads past its cache before it returns false.
	Recorded(ctx context.Context, name types.NamespacedName, intent workload.Intent, hash string) (bool, error)
	// ChangedFiles names Score's files, as containers.NAME.files.PATH, whose content differs from the
	// newest revision's.
	ChangedFiles(ctx context.Context, workload types.NamespacedName) ([]string, error)
}

// Workloads reads Deployments as the API server has them stored, past any cache.
type Workloads interface {
	// Live returns a Deployment; nil where there is none.
	Live(ctx context.Context, workload types.NamespacedName) (*appsv1.Deployment, error)
}

// Quarantine is the failure because of which a pod template is denied.
type Quarantine struct {
	// Revision is the number of the revision that failed.
	Revision int64
	// Error is why it failed, in one line.
	Error string
	// Until is when the template is admitted again.
	Until time.Time
}

// Healthy is a healthy revision.
type Healthy struct {
	Number     int64
	IntentHash string
}

// Events stores Events. *emit.Writer implements it.
type Events interface {
	Write(ctx context.Context, e event.Event) error
}
