// Package config is Reprise's configuration file, typed and validated at start.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gopkg.in/yaml.v3"

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
	Policies policy.Terms
	// Defaults treat a workload where neither it nor its namespace says otherwise.
	Defaults workload.Settings
}

// History bounds what is recorded and kept.
type History struct {
	// MaxPerMinute is how many revisions of one workload are recorded in a minute; what comes faster is folded.
	MaxPerMinute int
	// KeepGone is how long the history of a workload is kept that is gone.
	KeepGone time.Duration
}

// Rollback bounds what is put back.
type Rollback struct {
	// MaxAtOnce is how many rollbacks may be under way at once.
	MaxAtOnce int
}

// Default is the configuration of an install that sets nothing.
func Default() Config {
	return Config{
		FailurePolicy:       Ignore,
		ProtectedNamespaces: []string{"cert-manager", "kube-system"},
		History:             History{MaxPerMinute: 30, KeepGone: 24 * time.Hour},
		Rollback:            Rollback{MaxAtOnce: 50},
		Defaults:            workload.DefaultSettings(),
	}
}

// file is the configuration as it is written.
type file struct {
	FailurePolicy       *FailurePolicy `yaml:"failurePolicy"`
	ProtectedNamespaces *[]string      `yaml:"protectedNamespaces"`
	History             struct {
		MaxPerMinute *int           `yaml:"maxPerMinute"`
		KeepGone     *time.Duration `yaml:"keepGone"`
	} `yaml:"history"`
	Rollback struct {
		MaxAtOnce *int `yaml:"maxAtOnce"`
	} `yaml:"rollback"`
	Policies policies `yaml:"policies"`
	Defaults struct {
		Rollback        *workload.Mode `yaml:"rollback"`
		BakeTime        *time.Duration `yaml:"bakeTime"`
		FailureDeadline *time.Duration `yaml:"failureDeadline"`
		HistoryLimit    *int           `yaml:"historyLimit"`
		Quarantine      *bool          `yaml:"quarantine"`
	} `yaml:"defaults"`
}

// Load reads a configuration file. Unknown fields and values out of range are errors, with the line where the
// parser knows it; no path means the defaults.
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

// Parse reads a configuration.
func Parse(content []byte) (Config, error) {
	var f file
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, err
	}
	c := Default()
	var err error
	if c.Policies, err = f.Policies.terms(); err != nil {
		return Config{}, err
	}
	set(&c.FailurePolicy, f.FailurePolicy)
	set(&c.ProtectedNamespaces, f.ProtectedNamespaces)
	set(&c.History.MaxPerMinute, f.History.MaxPerMinute)
	set(&c.History.KeepGone, f.History.KeepGone)
	set(&c.Rollback.MaxAtOnce, f.Rollback.MaxAtOnce)
	set(&c.Defaults.Rollback, f.Defaults.Rollback)
	set(&c.Defaults.BakeTime, f.Defaults.BakeTime)
	set(&c.Defaults.FailureDeadline, f.Defaults.FailureDeadline)
	set(&c.Defaults.HistoryLimit, f.Defaults.HistoryLimit)
	set(&c.Defaults.Quarantine, f.Defaults.Quarantine)
	return c, c.validate()
}

func set[T any](target *T, value *T) {
	if value != nil {
		*target = *value
	}
}

func (c Config) validate() error {
	d := c.Defaults
	switch {
	case c.FailurePolicy != Ignore && c.FailurePolicy != Fail:
		return fmt.Errorf("failurePolicy is %q: expected Ignore or Fail", c.FailurePolicy)
	case c.History.MaxPerMinute < 1:
		return fmt.Errorf("history.maxPerMinute is %d: expected at least 1", c.History.MaxPerMinute)
	case c.History.KeepGone < 0:
		return fmt.Errorf("history.keepGone is %s: expected no negative duration", c.History.KeepGone)
	case c.Rollback.MaxAtOnce < 1:
		return fmt.Errorf("rollback.maxAtOnce is %d: expected at least 1", c.Rollback.MaxAtOnce)
	case d.Rollback != workload.ModeAuto && d.Rollback != workload.ModeManual && d.Rollback != workload.ModeOff:
		return fmt.Errorf("defaults.rollback is %q: expected auto, manual or off", d.Rollback)
	case d.BakeTime < 0:
		return fmt.Errorf("defaults.bakeTime is %s: expected no negative duration", d.BakeTime)
	case d.FailureDeadline < 0:
		return fmt.Errorf("defaults.failureDeadline is %s: expected no negative duration", d.FailureDeadline)
	case d.HistoryLimit < 2:
		return fmt.Errorf("defaults.historyLimit is %d: expected at least 2, the live revision and the one to go back to", d.HistoryLimit)
	default:
		return nil
	}
}
