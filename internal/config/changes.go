package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"reprise.dev/reprise/policy"
)

// Pinned returns c with the values of running for the keys that need a restart: the webhook
// configurations and the API server's admission policies repeat them, or they are only read at the
// start. It also returns the changes that wait for the restart.
func (c Config) Pinned(running Config) (Config, []string) {
	asked := c
	c.FailurePolicy, c.ProtectedNamespaces, c.Rollback = running.FailurePolicy, running.ProtectedNamespaces, running.Rollback
	return c, Changes(c, asked)
}

// Changes returns the keys that differ, sorted, each as "defaults.bakeTime 30s → 5s".
func Changes(from, to Config) []string {
	was, is := from.flat(), to.flat()
	var changes []string
	keys := maps.Clone(was)
	maps.Copy(keys, is)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if was[key] != is[key] {
			changes = append(changes, fmt.Sprintf("%s %s → %s", key, orNone(was[key]), orNone(is[key])))
		}
	}
	return changes
}

func orNone(v string) string {
	if v == "" {
		return "none"
	}
	return v
}

// flat returns each value as text by its key. The key of an override or exemption is its policy,
// namespace and workload.
func (c Config) flat() map[string]string {
	all := map[string]string{
		"failurePolicy":            string(c.FailurePolicy),
		"protectedNamespaces":      strings.Join(slices.Sorted(slices.Values(c.ProtectedNamespaces)), ","),
		"history.maxPerMinute":     fmt.Sprint(c.History.MaxPerMinute),
		"history.retainDeleted":    c.History.RetainDeleted.String(),
		"history.maxLimit":         fmt.Sprint(c.Defaults.MaxHistory),
		"history.maxMebibytes":     fmt.Sprint(c.History.MaxMebibytes),
		"history.maxDeleted":       fmt.Sprint(c.History.MaxDeleted),
		"rollback.maxConcurrent":   fmt.Sprint(c.Rollback.MaxConcurrent),
		"rollback.requests":        fmt.Sprint(c.Rollback.Requests),
		"rollback.pinImages":       string(c.Defaults.PinImages),
		"defaults.rollback":        string(c.Defaults.Rollback),
		"defaults.bakeTime":        c.Defaults.BakeTime.String(),
		"defaults.failureDeadline": c.Defaults.FailureDeadline.String(),
		"defaults.historyLimit":    fmt.Sprint(c.Defaults.HistoryLimit),
		"defaults.quarantine":      fmt.Sprint(c.Defaults.Quarantine),
	}
	for _, o := range c.Policies.Rules {
		all["policies.overrides["+o.Policy+"]"] = describe(o)
	}
	for _, e := range c.Policies.Exemptions {
		key := "policies.exemptions[" + e.Policy + " in " + e.Namespace + "/" + orAll(e.Workload) + "]"
		if all[key] != "" {
			all[key] += " and "
		}
		all[key] += fmt.Sprintf("until %s (%s)", e.Until(), e.Reason)
	}
	return all
}

func orAll(workload string) string {
	if workload == "" {
		return "*"
	}
	return workload
}

func describe(o policy.Override) string {
	w := string(o.Enforcement)
	if w == "" {
		w = "enforcement of its METADATA"
	}
	if len(o.Namespaces.Include) > 0 {
		w += " in " + strings.Join(o.Namespaces.Include, ",")
	}
	if len(o.Namespaces.Exclude) > 0 {
		w += " except " + strings.Join(o.Namespaces.Exclude, ",")
	}
	return w
}
