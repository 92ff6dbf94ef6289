package workload

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// Mode says what Reprise may do when a rollout fails.
type Mode string

const (
	// ModeAuto puts the last healthy revision back.
	ModeAuto Mode = "auto"
	// ModeManual only reports.
	ModeManual Mode = "manual"
	// ModeOff leaves the workload alone.
	ModeOff Mode = "off"
)

// Settings is how one workload is treated.
type Settings struct {
	Rollback Mode
	// BakeTime is how long a completed rollout must stay well before its revision is Healthy.
	BakeTime time.Duration
	// FailureDeadline is when a rollout that shows only weak signals has failed; zero means the
	// Deployment's own progressDeadlineSeconds.
	FailureDeadline time.Duration
	// HistoryLimit is how many revisions are kept.
	HistoryLimit int
	// Quarantine says whether a failed pod template is refused at admission.
	Quarantine bool
}

// DefaultSettings are those of an install that sets nothing.
func DefaultSettings() Settings {
	return Settings{Rollback: ModeAuto, BakeTime: 30 * time.Second, HistoryLimit: 10, Quarantine: true}
}

// SettingsOf reads each setting from the Deployment's annotations, else its pod template's (the
// only place that Score can write), else its Namespace's, else the install's defaults. A value that
// cannot be read is a problem, in words for the user: an unreadable rollback mode means manual, for
// Reprise must not act on a guess; every other one means the install's default.
func SettingsOf(d *appsv1.Deployment, namespace map[string]string, defaults Settings) (Settings, []string) {
	r := reader{sources: []map[string]string{d.Annotations, d.Spec.Template.Annotations, namespace}}
	s := defaults
	r.read(v1alpha1.RollbackAnnotation, "auto, manual or off; treated as manual", func(v string) bool {
		s.Rollback = Mode(v)
		known := s.Rollback == ModeAuto || s.Rollback == ModeManual || s.Rollback == ModeOff
		if !known {
			s.Rollback = ModeManual
		}
		return known
	})
	r.read(v1alpha1.BakeTimeAnnotation, "a duration such as 30s", durationInto(&s.BakeTime))
	r.read(v1alpha1.FailureDeadlineAnnotation, "a duration such as 5m", durationInto(&s.FailureDeadline))
	r.read(v1alpha1.HistoryLimitAnnotation, "a number of at least 2", func(v string) bool {
		n, err := strconv.Atoi(v)
		if err != nil || n < 2 {
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
