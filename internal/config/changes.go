package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"reprise.dev/reprise/policy"
)

// Pinned is c with what only a start can change as it is in running: the webhook configurations and the API server's
// own policies state the same, or it sizes what is made at the start. What differs in it comes back as changes.
func (c Config) Pinned(running Config) (Config, []string) {
	asked := c
	c.FailurePolicy, c.ProtectedNamespaces, c.Rollback = running.FailurePolicy, running.ProtectedNamespaces, running.Rollback
	return c, Changes(c, asked)
}

// Changes are the keys that differ, sorted, each as "defaults.bakeTime 30s → 5s".
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

// flat is every value in words, by its key; a term of policies goes by what it is about.
func (c Config) flat() map[string]string {
	all := map[string]string{
		"failurePolicy":            string(c.FailurePolicy),
		"protectedNamespaces":      strings.Join(slices.Sorted(slices.Values(c.ProtectedNamespaces)), ","),
		"history.maxPerMinute":     fmt.Sprint(c.History.MaxPerMinute),
		"history.keepGone":         c.History.RetainDeleted.String(),
		"rollback.maxAtOnce":       fmt.Sprint(c.Rollback.MaxConcurrent),
		"defaults.rollback":        string(c.Defaults.Rollback),
		"defaults.bakeTime":        c.Defaults.BakeTime.String(),
		"defaults.failureDeadline": c.Defaults.FailureDeadline.String(),
		"defaults.historyLimit":    fmt.Sprint(c.Defaults.HistoryLimit),
		"defaults.quarantine":      fmt.Sprint(c.Defaults.Quarantine),
	}
	for _, o := range c.Policies.Rules {
		all["policies.overrides["+o.Policy+"]"] = words(o)
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

func words(o policy.Override) string {
	w := string(o.Enforcement)
	if w == "" {
		w = "as it says"
	}
	if len(o.Namespaces.Include) > 0 {
		w += " in " + strings.Join(o.Namespaces.Include, ",")
	}
	if len(o.Namespaces.Exclude) > 0 {
		w += " but not in " + strings.Join(o.Namespaces.Exclude, ",")
	}
	return w
}
