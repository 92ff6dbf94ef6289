package config

import (
	"time"

	"gopkg.in/yaml.v3"

	"reprise.dev/reprise/policy"
)

// terms are the terms for policies. What makes no sense in them the room of policies says (policy.Terms.Mistakes).
func terms(into *policy.Overrides) value {
	return object(map[string]value{
		"overrides": list(func(r *reader, at string, n *yaml.Node) { into.Rules = append(into.Rules, override(r, at, n)) }),
		"exemptions": list(func(r *reader, at string, n *yaml.Node) {
			into.Exemptions = append(into.Exemptions, exemption(r, at, n))
		}),
	})
}

func override(r *reader, at string, n *yaml.Node) (o policy.Override) {
	object(map[string]value{
		"policy":      text(&o.Policy),
		"enforcement": text(&o.Enforcement),
		"namespaces": object(map[string]value{
			"include": texts(&o.Namespaces.Include),
			"exclude": texts(&o.Namespaces.Exclude),
		}),
	})(r, at, n)
	return o
}

func exemption(r *reader, at string, n *yaml.Node) (e policy.Exemption) {
	object(map[string]value{
		"policy":    text(&e.Policy),
		"namespace": text(&e.Namespace),
		"workload":  text(&e.Workload),
		"reason":    text(&e.Reason),
		"expires":   day(&e.Expires),
	})(r, at, n)
	return e
}

// day is the end of a day, in UTC: an exemption holds to the end of the day that it names.
func day(into *time.Time) value {
	return scalar(func(r *reader, at string, n *yaml.Node) {
		last, err := time.Parse(time.DateOnly, n.Value)
		if err != nil {
			r.expected(at, n, "a day, such as 2027-01-31")
			last = time.Unix(0, 0) // It is told once: a day that is wrong is not also missing.
		}
		*into = last.AddDate(0, 0, 1)
	})
}
