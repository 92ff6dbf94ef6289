package check

import (
	"slices"
	"strings"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/internal/oneline"
	"reprise.dev/reprise/policy"
)

// clean returns the report with each text fit to be printed. Names of files keep their spaces.
func (r Report) clean() Report {
	r.Workloads = slices.Clone(r.Workloads)
	r.Warnings = slices.Clone(r.Warnings)
	for i := range r.Warnings {
		w := &r.Warnings[i]
		w.Source, w.File = oneline.Clean(w.Source), oneline.Clean(w.File)
		w.Problem, w.Fix = mask.Line(w.Problem), mask.Line(w.Fix)
	}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Place.File, w.Name, w.Namespace = oneline.Clean(w.Place.File), mask.Line(w.Name), mask.Line(w.Namespace)
		v := &w.Verdict
		v.Violations, v.Warnings, v.DryRun = cleanViolations(v.Violations), cleanViolations(v.Warnings), cleanViolations(v.DryRun)
		v.Exempted, v.Errors = slices.Clone(v.Exempted), slices.Clone(v.Errors)
		for j := range v.Exempted {
			e := &v.Exempted[j]
			e.Violation, e.Reason = cleanViolation(e.Violation), mask.Line(e.Reason)
		}
		for j := range v.Errors {
			v.Errors[j].Reason = mask.Line(v.Errors[j].Reason)
		}
	}
	return r
}

func cleanViolations(list []policy.Violation) []policy.Violation {
	list = slices.Clone(list)
	for i := range list {
		list[i] = cleanViolation(list[i])
	}
	return list
}

func cleanViolation(v policy.Violation) policy.Violation {
	v.Message, v.Field, v.Path, v.Fix = mask.Line(v.Message), mask.Line(v.Field), mask.Line(v.Path), mask.Line(v.Fix)
	return v
}

// printable returns a text of a manifest as an error tells it.
func printable(text string) string { return notACommand(mask.Line(text)) }

// notACommand returns text that no CI system takes for a command in a log: GitHub reads :: at the
// start of a line, and GitHub, Azure Pipelines and TeamCity read ## anywhere.
func notACommand(text string) string {
	text = strings.ReplaceAll(text, "##", "# #")
	if rest, found := strings.CutPrefix(text, "::"); found {
		return ": :" + rest
	}
	return text
}
