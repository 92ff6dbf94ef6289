// Package config reads and validates the configuration file. Each validation error has the line of
// its key.
package config

import (
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// FailurePolicy decides about a request that could not be evaluated. The values are those of a
// webhook configuration.
type FailurePolicy string

const (
	// Ignore admits the request with a warning.
	Ignore FailurePolicy = "Ignore"
	// Fail denies the request.
	Fail FailurePolicy = "Fail"
)

// Config is the content of the configuration file.
type Config struct {
	// FailurePolicy decides about requests that could not be evaluated.
	FailurePolicy FailurePolicy
	// ProtectedNamespaces lists the namespaces that Reprise never changes.
	ProtectedNamespaces []string
	// History limits the recording and the retention of revisions.
	History History
	// Rollback limits the rollbacks.
	Rollback Rollback
	// Policies overrides and exempts policies.
	Policies policy.Overrides
	// Defaults applies to a workload if neither its annotations nor those of its namespace set a
	// value.
	Defaults workload.Settings
}

// History limits the recording and the retention of revisions.
type History struct {
	// MaxPerMinute limits how many revisions of one workload are recorded in a minute. Deploys beyond
	// it are coalesced into the newest revision.
	MaxPerMinute int
	// RetainDeleted is how long the revisions of a deleted workload are retained.
	RetainDeleted time.Duration
	// MaxMebibytes limits the snapshots of one namespace, in MiB. MaxDeleted limits of how many
	// deleted workloads of one namespace the revisions are retained.
	MaxMebibytes, MaxDeleted int
}

// Rollback limits the rollbacks.
type Rollback struct {
	// MaxConcurrent limits how many rollbacks run at the same time in the cluster.
	MaxConcurrent int
	// Requests says whether an annotation of a Deployment can request a rollback.
	Requests bool
}

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		FailurePolicy:       Ignore,
		ProtectedNamespaces: []string{"cert-manager", "kube-system"},
		History:             History{MaxPerMinute: 30, RetainDeleted: 24 * time.Hour, MaxMebibytes: 16, MaxDeleted: 50},
		Rollback:            Rollback{MaxConcurrent: 50, Requests: true},
		Defaults:            workload.DefaultSettings(),
	}
}

// Load reads a configuration file; without a path it returns the defaults. Invalid content is a
// ValidationErrors.
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

// Parse decodes and validates a configuration. The error is a ValidationErrors with every error of
// the content.
func Parse(content []byte) (Config, error) {
	c := Default()
	root, err := document(content)
	if err != nil {
		return Config{}, err
	}
	r := reader{lines: map[string]int{}}
	if root != nil {
		c.keys()(&r, nil, root)
	}
	for _, invalid := range c.Policies.Validate(field.NewPath("policies")) {
		r.fail(r.lineOf(invalid.Field), invalid)
	}
	return c, r.result()
}

// keys returns the decoder of the file.
func (c *Config) keys() value {
	return object(map[string]value{
		"failurePolicy":       choice(&c.FailurePolicy, Ignore, Fail),
		"protectedNamespaces": texts(&c.ProtectedNamespaces),
		"history": object(map[string]value{
			"maxPerMinute":  number(&c.History.MaxPerMinute, 1, "at least 1"),
			"retainDeleted": duration(&c.History.RetainDeleted, "24h"),
			"maxLimit":      number(&c.Defaults.MaxHistory, 2, "at least 2"),
			"maxMebibytes":  number(&c.History.MaxMebibytes, 1, "at least 1"),
			"maxDeleted":    number(&c.History.MaxDeleted, 1, "at least 1"),
		}),
		"rollback": object(map[string]value{
			"maxConcurrent": number(&c.Rollback.MaxConcurrent, 1, "at least 1"),
			"requests":      boolean(&c.Rollback.Requests),
			"pinImages":     choice(&c.Defaults.PinImages, workload.PinAuto, workload.PinNever),
		}),
		"policies": overrides(&c.Policies),
		"defaults": object(map[string]value{
			"rollback":        choice(&c.Defaults.Rollback, workload.ModeAuto, workload.ModeManual, workload.ModeOff),
			"bakeTime":        duration(&c.Defaults.BakeTime, "30s"),
			"failureDeadline": duration(&c.Defaults.FailureDeadline, "5m"),
			"historyLimit":    number(&c.Defaults.HistoryLimit, 2, "at least 2, the live revision and a rollback target"),
			"quarantine":      boolean(&c.Defaults.Quarantine),
		}),
	})
}
