package workload

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// Mode is what Reprise may do when a rollout fails.
type Mode string

const (
	// ModeAuto rolls back to the last healthy revision.
	ModeAuto Mode = "auto"
	// ModeManual only reports.
	ModeManual Mode = "manual"
	// ModeOff takes no action.
	ModeOff Mode = "off"
)

// PinMode says whether a rollback writes digests.
type PinMode string

const (
	// PinAuto writes an image with the digest that ran where its tag names other bytes now.
	PinAuto PinMode = "auto"
	// PinNever writes every image as it was deployed.
	PinNever PinMode = "never"
)

// Settings configures how Reprise treats one workload.
type Settings struct {
	Rollback Mode
	// BakeTime is how long a complete rollout must stay ready before its revision is Healthy.
	BakeTime time.Duration
	// FailureDeadline is when a rollout that shows only weak signals fails. Zero means the
	// Deployment's own progressDeadlineSeconds.
	FailureDeadline time.Duration
	// HistoryLimit is how many revisions Reprise retains.
	HistoryLimit int
	// MaxHistory is the largest HistoryLimit that an annotation may set. No annotation sets it.
	MaxHistory int
	// Quarantine reports whether admission denies a failed pod template.
	Quarantine bool
	// PinImages says whether a rollback writes digests. No annotation sets it.
	PinImages PinMode
}

// DefaultSettings returns the settings of an install that sets none.
func DefaultSettings() Settings {
	return Settings{Rollback: ModeAuto, BakeTime: 30 * time.Second, HistoryLimit: 10, MaxHistory: 50, Quarantine: true, PinImages: PinAuto}
}

// SettingsOf reads each setting from the Deployment's annotations, else from its pod template's
// (the only place that Score can write), else from its Namespace's, else from the install's
// defaults. It returns one sentence for the user about each invalid value. An invalid rollback mode
// means manual, so that Reprise does not act on a guess. Any other invalid value means the default.
func SettingsOf(d *appsv1.Deployment, namespace map[string]string, defaults Settings) (Settings, []string) {
	r := reader{sources: []map[string]string{d.Annotations, d.Spec.Template.Annotations, namespace}}
	s := defaults
	r.read(v1alpha1.RollbackAnnotation, "auto, manual or off; Reprise uses manual", func(v string) bool {
		s.Rollback = Mode(v)
		known := s.Rollback == ModeAuto || s.Rollback == ModeManual || s.Rollback == ModeOff
		if !known {
			s.Rollback = ModeManual
		}
		return known
	})
	r.read(v1alpha1.BakeTimeAnnotation, "a duration such as 30s", durationInto(&s.BakeTime))
	r.read(v1alpha1.FailureDeadlineAnnotation, "a duration such as 5m", durationInto(&s.FailureDeadline))
	r.read(v1alpha1.HistoryLimitAnnotation, fmt.Sprintf("a number from 2 to %d", s.MaxHistory), func(v string) bool {
		n, err := strconv.Atoi(v)
		if err != nil || n < 2 || n > s.MaxHistory {
			return false
		}
		s.HistoryLimit = n
		return true
	})
	r.read(v1alpha1.QuarantineAnnotation, "on or off", func(v string) bool {
		if v == "on" || v == "off" {
			s.Quarantine = v == "on"
			return true
		}
		return false
	})
	return s, r.problems
}

func durationInto(target *time.Duration) func(string) bool {
	return func(v string) bool {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return false
		}
		*target = d
		return true
	}
}

type reader struct {
	sources  []map[string]string
	problems []string
}

func (r *reader) read(key, expected string, parse func(string) bool) {
	for _, source := range r.sources {
		value, set := source[key]
		if !set {
			continue
		}
		if !parse(value) {
			r.problems = append(r.problems, fmt.Sprintf("annotation %s is %q: expected %s", key, value, expected))
		}
		return
	}
}
