// Package config is Reprise's configuration file, typed, and validated with the line of every mistake.
package config

import (
	"fmt"
	"os"
	"time"

	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// FailurePolicy says what becomes of a request that could not be judged. It is the one that the webhook
// configurations state, under the API's own names.
type FailurePolicy string

const (
	// Ignore lets what could not be judged pass, with a warning.
	Ignore FailurePolicy = "Ignore"
	// Fail refuses it.
	Fail FailurePolicy = "Fail"
)

// Config is the whole configuration.
type Config struct {
	// FailurePolicy says what becomes of a request that could not be judged.
	FailurePolicy FailurePolicy
	// ProtectedNamespaces are never touched.
	ProtectedNamespaces []string
	// History bounds what is recorded and kept.
	History History
	// Rollback bounds what is put back.
	Rollback Rollback
	// Policies are the install's own terms for policies.
	Policies policy.Overrides
	// Defaults treat a workload where neither it nor its namespace says otherwise.
	Defaults workload.Settings
}

// History bounds what is recorded and kept.
type History struct {
	// MaxPerMinute is how many revisions of one workload are recorded in a minute; what comes faster is folded.
	MaxPerMinute int
	// RetainDeleted is how long the history of a workload is kept that is gone.
	RetainDeleted time.Duration
}

// Rollback bounds what is put back.
type Rollback struct {
	// MaxConcurrent is how many rollbacks may be under way at once.
	MaxConcurrent int
}

// Default is the configuration of an install that sets nothing.
func Default() Config {
	return Config{
		FailurePolicy:       Ignore,
		ProtectedNamespaces: []string{"cert-manager", "kube-system"},
		History:             History{MaxPerMinute: 30, RetainDeleted: 24 * time.Hour},
		Rollback:            Rollback{MaxConcurrent: 50},
		Defaults:            workload.DefaultSettings(),
	}
}

// Load reads a configuration file; no path means the defaults. What is wrong with its content is a Mistakes.
func Load(path string) (Config, error) {
	if path == "" {
		return Default(), nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := Parse(content)
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// Parse reads a configuration. An error is a Mistakes: every mistake of the content, each with its line.
func Parse(content []byte) (Config, error) {
	c := Default()
	root, err := document(content)
	if err != nil {
		return Config{}, err
	}
	r := reader{lines: map[string]int{}}
	if root != nil {
		c.keys()(&r, "", root)
	}
	for _, m := range c.Policies.Mistakes() {
		r.mistake(r.lineOf("policies."+m.Path), "policies.%s %s", m.Path, m.Text)
	}
	return c, r.result()
}

// keys are those of the file, each with what it may be.
func (c *Config) keys() value {
	return object(map[string]value{
		"failurePolicy":       choice(&c.FailurePolicy, Ignore, Fail),
		"protectedNamespaces": texts(&c.ProtectedNamespaces),
		"history": object(map[string]value{
			"maxPerMinute": number(&c.History.MaxPerMinute, 1, "at least 1"),
			"keepGone":     duration(&c.History.RetainDeleted, "24h"),
		}),
		"rollback": object(map[string]value{
			"maxAtOnce": number(&c.Rollback.MaxConcurrent, 1, "at least 1"),
		}),
		"policies": terms(&c.Policies),
		"defaults": object(map[string]value{
			"rollback":        choice(&c.Defaults.Rollback, workload.ModeAuto, workload.ModeManual, workload.ModeOff),
			"bakeTime":        duration(&c.Defaults.BakeTime, "30s"),
			"failureDeadline": duration(&c.Defaults.FailureDeadline, "5m"),
			"historyLimit":    number(&c.Defaults.HistoryLimit, 2, "at least 2, the live revision and the one to go back to"),
			"quarantine":      truth(&c.Defaults.Quarantine),
		}),
	})
}
