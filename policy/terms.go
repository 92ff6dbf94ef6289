package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Terms are an install's own conditions for policies, set without editing Rego.
type Terms struct {
	Overrides  []Override
	Exemptions []Exemption
}

// Override changes what one policy's METADATA says.
type Override struct {
	// Policy is the rule's name.
	Policy string
	// Enforcement replaces the rule's own; empty keeps it.
	Enforcement Enforcement
	// Namespaces is where the rule is judged.
	Namespaces Scope
}

// Scope is a set of namespaces. Its patterns are names, in which * stands for
// any characters.
type Scope struct {
	// Include names the namespaces; empty means all.
	Include []string
	// Exclude takes some out again.
	Exclude []string
}

// Exemption lets one policy's denials pass for a while.
type Exemption struct {
	// Policy is the rule's name.
	Policy string
	// Namespace and Workload name the Deployments; an empty Workload means all of the namespace.
	Namespace, Workload string
	// Reason is why, in one line, shown on every use.
	Reason string
	// Expires is the first moment at which the exemption is dead.
	Expires time.Time
}

// Validate says which term makes no sense by itself. That a policy does not
// exist is told by Engine.Unknown, since policies come and go.
func (t Terms) Validate() error {
	overridden := map[string]bool{}
	for i, o := range t.Overrides {
		switch {
		case o.Policy == "":
			return fmt.Errorf("overrides[%d].policy is required", i)
		case overridden[o.Policy]:
			return fmt.Errorf("overrides[%d]: policy %s is overridden twice", i, o.Policy)
		case o.Enforcement != "" && !o.Enforcement.Valid():
			return fmt.Errorf("overrides[%d].enforcement is %q: expected deny, warn, dryrun or off", i, o.Enforcement)
		}
		overridden[o.Policy] = true
		for _, pattern := range slices.Concat(o.Namespaces.Include, o.Namespaces.Exclude) {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
				return fmt.Errorf("overrides[%d].namespaces: %q is no pattern of a namespace", i, pattern)
			}
		}
	}
	for i, e := range t.Exemptions {
		switch {
		case e.Policy == "", e.Namespace == "":
			return fmt.Errorf("exemptions[%d]: policy and namespace are required", i)
		case strings.TrimSpace(e.Reason) == "":
			return fmt.Errorf("exemptions[%d].reason is required: it is shown whenever the exemption is used", i)
		case e.Expires.IsZero():
			return fmt.Errorf("exemptions[%d].expires is required: the last day, such as 2027-01-31", i)
		}
	}
	return nil
}

// names are the policies that the terms speak of, sorted, each once.
func (t Terms) names() []string {
	var names []string
	for _, o := range t.Overrides {
		names = append(names, o.Policy)
	}
	for _, e := range t.Exemptions {
		names = append(names, e.Policy)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// apply is the rule under the terms.
func (t Terms) apply(rule Rule) Rule {
	for _, o := range t.Overrides {
		if o.Policy != rule.Name {
			continue
		}
		if o.Enforcement != "" {
			rule.Enforcement = o.Enforcement
		}
		rule.Namespaces = o.Namespaces
	}
	return rule
}

// exemption is the one that covers a workload at a time, and else the one that
// covered it last, which is dead; nil where there was none.
func (t Terms) exemption(rule string, who subject, now time.Time) (found *Exemption, alive bool) {
	for i := range t.Exemptions {
		e := &t.Exemptions[i]
		if e.Policy != rule || e.Namespace != who.namespace || (e.Workload != "" && e.Workload != who.name) {
			continue
		}
		if found == nil || e.Expires.After(found.Expires) {
			found = e
		}
	}
	return found, found != nil && now.Before(found.Expires)
}

// Covers says whether a namespace is in the scope.
func (s Scope) Covers(namespace string) bool {
	matches := func(pattern string) bool {
		ok, err := path.Match(pattern, namespace)
		return err == nil && ok
	}
	return (len(s.Include) == 0 || slices.ContainsFunc(s.Include, matches)) && !slices.ContainsFunc(s.Exclude, matches)
}

// until words when an exemption ends, by the last day on which it holds.
func (e *Exemption) until() string {
	return e.Expires.Add(-time.Nanosecond).UTC().Format(time.DateOnly)
}

// subject is the workload that a request is about.
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
