package story

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/mask"
)

// Denial is an apply that admission denied, or admitted without being able to evaluate every
// policy. Its JSON is an interface for tools: names stay, and only new ones come.
type Denial struct {
	At metav1.Time `json:"at"`
	// Times is how often the same was applied.
	Times   int32  `json:"times"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	v1alpha1.Denial
}

// WithEvents returns the workload with Denied and Unchecked as its Events tell: the newest apply
// that admission denied since the newest revision was deployed, and whether policies could not
// check the live one. Most clusters keep Events for an hour.
func (w Workload) WithEvents(events []corev1.Event) Workload {
	w.Denied, w.Unchecked = nil, nil
	if w.Deployment == nil {
		return w
	}
	var last *corev1.Event
	for i := range events {
		e := &events[i]
		if e.InvolvedObject.UID != w.Deployment.UID {
			continue
		}
		d := denialOf(e)
		switch e.Reason {
		case string(v1alpha1.EventAdmissionDenied), string(v1alpha1.EventTemplateQuarantined):
			if w.stands(d) && (last == nil || later(e, last)) {
				w.Denied, last = d, e
			}
		case string(v1alpha1.EventAdmissionUnchecked):
			if live := w.Live(); live != nil && live.Spec.IntentHash == d.IntentHash {
				w.Unchecked = d
			}
		}
	}
	return w
}

// later reports whether an event was told after another one. Their times are whole seconds; of one
// second, the API server knows which it stored last.
func later(e, than *corev1.Event) bool {
	if !e.LastTimestamp.Equal(&than.LastTimestamp) {
		return than.LastTimestamp.Before(&e.LastTimestamp)
	}
	order, err := resourceversion.CompareResourceVersion(e.ResourceVersion, than.ResourceVersion)
	return err == nil && order > 0
}

func denialOf(e *corev1.Event) *Denial {
	d := &Denial{At: e.LastTimestamp, Times: max(e.Count, 1), Reason: e.Reason, Message: e.Message}
	// What an older Reprise wrote has none, and the message says enough.
	_ = json.Unmarshal([]byte(e.Annotations[v1alpha1.DenialAnnotation]), &d.Denial)
	return d
}

// stands reports whether nothing was deployed since a denial.
func (w Workload) stands(d *Denial) bool {
	newest := w.History.Newest()
	if newest == nil {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(newest.Spec.ResourceVersion, d.ResourceVersion)
	if err != nil {
		return newest.Spec.AcceptedTime.Before(&d.At)
	}
	return order <= 0
}

// Newest reports whether the denial is the last thing that happened: no revision failed since.
func (d *Denial) newest(w Workload) bool {
	suspect := w.DefaultFailure()
	return suspect == nil || !d.At.Time.Before(since(suspect))
}

// line returns one line about the denied apply: the cause, the time and the policy.
func (d *Denial) line(now time.Time) string {
	if d == nil {
		return ""
	}
	return fmt.Sprintf("%s ago%s%s: %s", age(d.At.Time, now), d.by(), d.times(), d.cause())
}

// cell returns the same in few words, for a table.
func (d *Denial) cell(now time.Time) string {
	if d == nil {
		return ""
	}
	text := age(d.At.Time, now) + " ago: "
	switch policies := d.policies(); {
	case d.Failed != 0:
		return text + "failed as " + number(d.Failed)
	case len(policies) > 0:
		return text + strings.Join(policies, ", ") + ", " + d.cause()
	default:
		return text + d.cause()
	}
}

// times returns how often the same was applied, where it was more than once.
func (d *Denial) times() string {
	if d.Times < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d times)", d.Times)
}

// by names who denied it.
func (d *Denial) by() string {
	if d.Failed != 0 {
		return fmt.Sprintf(", since it failed as %s", number(d.Failed))
	}
	switch policies := d.policies(); len(policies) {
	case 0:
		return ""
	case 1:
		return ", by policy " + policies[0]
	default:
		return ", by policies " + strings.Join(policies, ", ")
	}
}

// policies returns those that object, each once.
func (d *Denial) policies() []string {
	var names []string
	for _, o := range d.Violations {
		if o.Policy != "" && !slices.Contains(names, o.Policy) {
			names = append(names, o.Policy)
		}
	}
	return names
}

// cause returns what is wrong, the first thing of several.
func (d *Denial) cause() string {
	if len(d.Violations) == 0 {
		return mask.Line(d.Message)
	}
	text := violation(d.Violations[0])
	if more := len(d.Violations) + int(d.More) - 1; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// violation returns what one policy objects to, without what to change.
func violation(o v1alpha1.Violation) string {
	if o.Field == "" {
		return mask.Line(o.Message)
	}
	return mask.Line(o.Field + ": " + o.Message)
}
