package config

import (
	"time"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"reprise.dev/reprise/policy"
)

// overrides decodes the section policies. Package policy validates the result
// (policy.Overrides.Validate).
func overrides(into *policy.Overrides) value {
	return object(map[string]value{
		"overrides": list(func(r *reader, at *field.Path, n *yaml.Node) { into.Rules = append(into.Rules, override(r, at, n)) }),
		"exemptions": list(func(r *reader, at *field.Path, n *yaml.Node) {
			into.Exemptions = append(into.Exemptions, exemption(r, at, n))
		}),
	})
}

func override(r *reader, at *field.Path, n *yaml.Node) (o policy.Override) {
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

func exemption(r *reader, at *field.Path, n *yaml.Node) (e policy.Exemption) {
	object(map[string]value{
		"policy":    text(&e.Policy),
		"namespace": text(&e.Namespace),
		"workload":  text(&e.Workload),
		"reason":    text(&e.Reason),
		"expires":   lastDay(&e.Expires),
	})(r, at, n)
	return e
}

// lastDay decodes a day and returns its end in UTC, because an exemption includes the day that it
// names.
func lastDay(into *time.Time) value {
	return scalar(func(r *reader, at *field.Path, n *yaml.Node) {
		day, err := time.Parse(time.DateOnly, n.Value)
		if err != nil {
			r.invalid(at, n, "a day such as 2027-01-31")
			day = time.Unix(0, 0) // Otherwise Validate would also report it as missing.
		}
		*into = day.AddDate(0, 0, 1)
	})
}
