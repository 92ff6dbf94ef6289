package policy

import (
	"path"
	"slices"
	"time"
)

// Overrides are an install's settings of policies, set without editing Rego.
type Overrides struct {
	Rules      []Override
	Exemptions []Exemption
}

// Override changes the METADATA of one policy.
type Override struct {
	// Policy is the rule's name.
	Policy string
	// Enforcement replaces the rule's own; empty keeps it.
	Enforcement Enforcement
	// Namespaces is where the rule applies.
	Namespaces Scope
}

// Scope is a set of namespaces. Its patterns are names in which * matches any characters.
type Scope struct {
	// Include names the namespaces; empty means all.
	Include []string
	// Exclude names namespaces that are not in the scope.
	Exclude []string
}

// Exemption admits violations of one policy until it expires.
type Exemption struct {
	// Policy is the rule's name.
	Policy string
	// Namespace and Workload name the Deployments; an empty Workload means all of the namespace.
	Namespace, Workload string
	// Reason is shown on every use. It is one line.
	Reason string
	// Expires is the first moment at which the exemption no longer applies.
	Expires time.Time
}

// names returns the sorted names of the policies in the overrides, each once.
func (o Overrides) names() []string {
	var names []string
	for _, override := range o.Rules {
		names = append(names, override.Policy)
	}
	for _, e := range o.Exemptions {
		names = append(names, e.Policy)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// apply returns the rule under the overrides.
func (o Overrides) apply(rule Rule) Rule {
	for _, override := range o.Rules {
		if override.Policy != rule.Name {
			continue
		}
		if override.Enforcement != "" {
			rule.Enforcement = override.Enforcement
		}
		rule.Namespaces = override.Namespaces
	}
	return rule
}

// exemption returns the exemption that covers a workload, and whether it is active. If none is, it
// returns the one that expired last; nil if there was none.
func (o Overrides) exemption(rule string, who subject, now time.Time) (found *Exemption, alive bool) {
	for i := range o.Exemptions {
		e := &o.Exemptions[i]
		if e.Policy != rule || e.Namespace != who.namespace || (e.Workload != "" && e.Workload != who.name) {
			continue
		}
		if found == nil || e.Expires.After(found.Expires) {
			found = e
		}
	}
	return found, found != nil && now.Before(found.Expires)
}

// Covers reports whether a namespace is in the scope.
func (s Scope) Covers(namespace string) bool {
	matches := func(pattern string) bool {
		ok, err := path.Match(pattern, namespace)
		return err == nil && ok
	}
	return (len(s.Include) == 0 || slices.ContainsFunc(s.Include, matches)) && !slices.ContainsFunc(s.Exclude, matches)
}

// Until returns the last day on which an exemption is active.
func (e *Exemption) Until() string {
	return e.Expires.Add(-time.Nanosecond).UTC().Format(time.DateOnly)
}

// subject is the workload of a request.
type subject struct {
	namespace, name string
}

func subjectOf(request map[string]any) subject {
	var who subject
	who.namespace, _ = request["namespace"].(string)
	if who.name, _ = request["name"].(string); who.name != "" {
		return who
	}
	object, _ := request["object"].(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	who.name, _ = metadata["name"].(string)
	return who
}
