package config

import (
	"fmt"
	"time"

	"reprise.dev/reprise/policy"
)

// policies are the terms for policies as they are written.
type policies struct {
	Overrides []struct {
		Policy      string             `yaml:"policy"`
		Enforcement policy.Enforcement `yaml:"enforcement"`
		Namespaces  struct {
			Include []string `yaml:"include"`
			Exclude []string `yaml:"exclude"`
		} `yaml:"namespaces"`
	} `yaml:"overrides"`
	Exemptions []struct {
		Policy    string `yaml:"policy"`
		Namespace string `yaml:"namespace"`
		Workload  string `yaml:"workload"`
		Reason    string `yaml:"reason"`
		Expires   string `yaml:"expires"`
	} `yaml:"exemptions"`
}

// terms reads them. An exemption holds to the end of the day that it names, in UTC.
func (p policies) terms() (policy.Terms, error) {
	var terms policy.Terms
	for _, o := range p.Overrides {
		terms.Overrides = append(terms.Overrides, policy.Override{
			Policy: o.Policy, Enforcement: o.Enforcement, Namespaces: policy.Scope{Include: o.Namespaces.Include, Exclude: o.Namespaces.Exclude},
		})
	}
	for i, e := range p.Exemptions {
		exemption := policy.Exemption{Policy: e.Policy, Namespace: e.Namespace, Workload: e.Workload, Reason: e.Reason}
		if e.Expires != "" {
			last, err := time.Parse(time.DateOnly, e.Expires)
			if err != nil {
				return policy.Terms{}, fmt.Errorf("policies.exemptions[%d].expires is %q: expected a day, such as 2027-01-31", i, e.Expires)
			}
			exemption.Expires = last.AddDate(0, 0, 1)
		}
		terms.Exemptions = append(terms.Exemptions, exemption)
	}
	if err := terms.Validate(); err != nil {
		return policy.Terms{}, fmt.Errorf("policies.%w", err)
	}
	return terms, nil
}
