package check

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"reprise.dev/reprise/policy"
)

// Format is a form in which a report is written.
type Format string

// The formats.
const (
	Human  Format = "human"
	JSON   Format = "json"
	JUnit  Format = "junit"
	GitHub Format = "github"
	SARIF  Format = "sarif"
	Table  Format = "table"
	TAP    Format = "tap"
)

// Formats returns all of them.
func Formats() []Format { return []Format{Human, JSON, JUnit, GitHub, SARIF, Table, TAP} }

// Write writes the report. Color is for a terminal, and for people alone.
//
// Names and values of manifests that no API server has seen may hold anything. So whatever the
// format, each text is on one line, controls no terminal and holds no credential.
func (r Report) Write(w io.Writer, format Format, color bool) error {
	r = r.clean()
	switch format {
	case Human:
		return r.human(w, color)
	case JSON:
		return r.json(w)
	case JUnit:
		return r.junit(w)
	case GitHub:
		return r.github(w)
	case SARIF:
		return r.sarif(w)
	case Table:
		return r.table(w)
	case TAP:
		return r.tap(w)
	default:
		return fmt.Errorf("output %q is not known: expected one of %v", format, Formats())
	}
}

// severity is how much a finding counts.
type severity string

// The severities, the gravest first. What an exemption spares is a warning of its own.
const (
	denied  severity = "denied"
	unknown severity = "error"
	exempt  severity = "exempt"
	warning severity = "warning"
	dryRun  severity = "dry run"
)

// finding is one line of a verdict.
type finding struct {
	severity severity
	rule     string
	line     string
}

// findings returns the lines of a verdict, the gravest first.
func (w Workload) findings() []finding {
	var all []finding
	violations := func(s severity, list []policy.Violation) {
		for _, v := range list {
			all = append(all, finding{severity: s, rule: v.Rule, line: v.Line()})
		}
	}
	violations(denied, w.Verdict.Violations)
	for _, e := range w.Verdict.Errors {
		all = append(all, finding{severity: unknown, rule: e.Rule, line: e.Line()})
	}
	for _, e := range w.Verdict.Exempted {
		all = append(all, finding{severity: exempt, rule: e.Rule, line: e.Line()})
	}
	violations(warning, w.Verdict.Warnings)
	violations(dryRun, w.Verdict.DryRun)
	return all
}

// lines returns those of some severities.
func (w Workload) lines(severities ...severity) []string {
	var lines []string
	for _, f := range w.findings() {
		if slices.Contains(severities, f.severity) {
			lines = append(lines, f.line)
		}
	}
	return lines
}

// outcome returns a verdict's decision in words.
func outcome(d policy.Decision) string {
	switch d {
	case policy.Allow:
		return "allowed"
	case policy.Warn:
		return "allowed, with warnings"
	case policy.Deny:
		return "denied"
	default:
		return "evaluation error"
	}
}

// colors are those of a terminal, by the ANSI numbers.
var colors = map[string]int{
	string(denied): 31, string(unknown): 35, string(warning): 33, string(exempt): 33, string(dryRun): 36,
	outcome(policy.Allow): 32, outcome(policy.Warn): 33, outcome(policy.Unknown): 35,
}

func (r Report) human(w io.Writer, color bool) error {
	paint := func(text string) string {
		if !color {
			return text
		}
		return fmt.Sprintf("\x1b[%dm%s\x1b[0m", colors[strings.TrimSpace(text)], text)
	}
	var b strings.Builder
	counts := map[policy.Decision]int{}
	for _, one := range r.Workloads {
		counts[one.Verdict.Decision]++
		fmt.Fprintf(&b, "%s: deployment/%s in namespace %s: %s\n", one.Place, notACommand(one.Name), notACommand(one.Namespace), paint(outcome(one.Verdict.Decision)))
		for _, f := range one.findings() {
			fmt.Fprintf(&b, "  %s  %s\n", paint(fmt.Sprintf("%-7s", f.severity)), notACommand(f.line))
		}
	}
	for _, about := range r.Warnings {
		fmt.Fprintf(&b, "policy %s  %s\n", paint(string(warning)), notACommand(about.String()))
	}
	var parts []string
	for _, d := range []policy.Decision{policy.Deny, policy.Unknown, policy.Warn, policy.Allow} {
		if counts[d] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[d], outcome(d)))
		}
	}
	fmt.Fprintf(&b, "workloads: %s", strings.Join(parts, "; "))
	if r.OtherObjects > 0 {
		fmt.Fprintf(&b, "; other objects: %d", r.OtherObjects)
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}
