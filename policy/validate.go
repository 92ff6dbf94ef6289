package policy

import (
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validate returns the errors of the overrides at a path. It does not check that the policies
// exist, since policies come and go: Engine.Unknown does.
func (o Overrides) Validate(at *field.Path) field.ErrorList {
	var all field.ErrorList
	overridden := map[string]bool{}
	for i, override := range o.Rules {
		here := at.Child("overrides").Index(i)
		switch {
		case override.Policy == "":
			all = append(all, field.Required(here.Child("policy"), ""))
		case overridden[override.Policy]:
			all = append(all, field.Duplicate(here.Child("policy"), override.Policy))
		}
		overridden[override.Policy] = true
		if override.Enforcement != "" && !override.Enforcement.Valid() {
			all = append(all, field.NotSupported(here.Child("enforcement"), override.Enforcement, []Enforcement{EnforceDeny, EnforceWarn, EnforceDryRun, EnforceOff}))
		}
		all = append(all, override.Namespaces.validate(here.Child("namespaces"))...)
	}
	for i := range o.Exemptions {
		all = append(all, o.Exemptions[i].validate(at.Child("exemptions").Index(i))...)
	}
	return all
}

func (s Scope) validate(at *field.Path) (all field.ErrorList) {
	for _, list := range []struct {
		name     string
		patterns []string
	}{{"include", s.Include}, {"exclude", s.Exclude}} {
		for i, pattern := range list.patterns {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
				all = append(all, field.Invalid(at.Child(list.name).Index(i), pattern, "expected a namespace name or a pattern such as team-*"))
			}
		}
	}
	return all
}

func (e *Exemption) validate(at *field.Path) (all field.ErrorList) {
	for _, required := range []struct {
		name, detail string
		set          bool
	}{
		{"policy", "", e.Policy != ""},
		{"namespace", "", e.Namespace != ""},
		{"reason", "it is shown whenever the exemption is used", strings.TrimSpace(e.Reason) != ""},
		{"expires", "the last day, such as 2027-01-31", !e.Expires.IsZero()},
	} {
		if !required.set {
			all = append(all, field.Required(at.Child(required.name), required.detail))
		}
	}
	return all
}
