package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"reprise.dev/reprise/internal/oneline"
)

const (
	// maxWarnings is the number of warnings of one source.
	maxWarnings = 10
	// maxQuoted is the length in bytes of Rego in a warning.
	maxQuoted = 120
)

// Warning says that a part of a source loads and has no effect. It is certain, whatever the
// workloads are.
type Warning struct {
	// Source is the source's name, and File and Line are where the part stands.
	Source string `json:"source"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	// Problem is one line, and Fix is what to do.
	Problem string `json:"problem"`
	Fix     string `json:"fix"`
}

// String returns the warning as one line for the author of the source.
func (w Warning) String() string {
	return fmt.Sprintf("%s:%d: %s; %s", w.File, w.Line, w.Problem, w.Fix)
}

// LimitWarnings returns warnings sorted and each once, and at most ten for each source: the last
// one then says how many there are.
func LimitWarnings(warnings []Warning) []Warning {
	sorted := sortedUnique(slices.Clone(warnings), func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Problem, b.Problem), cmp.Compare(a.Fix, b.Fix))
	})
	var limited []Warning
	for start := 0; start < len(sorted); {
		end := start
		for end < len(sorted) && sorted[end].Source == sorted[start].Source {
			end++
		}
		own := sorted[start:min(end, start+maxWarnings)]
		if more := end - start - len(own); more > 0 {
			own = slices.Clone(own)
			own[len(own)-1].Fix += fmt.Sprintf(" (%s has %d more warnings)", own[0].Source, more)
		}
		limited = append(limited, own...)
		start = end
	}
	return limited
}

// The sentences of all warnings. Each returns a problem and what to do.

func noResults(pkg, near string) (problem, fix string) {
	fix = "name its results deny, violation, warn or allow"
	if near != "" {
		fix = "did you mean " + near + "?"
	}
	return fmt.Sprintf("package %s has no results and nothing uses it, so it judges nothing", pkg), fix
}

func noViolation(constraint string) (problem, fix string) {
	return fmt.Sprintf("the template of constraint %s has no rule violation, so it judges nothing", constraint), "name its results violation"
}

func unusedSet(name string, constraint bool) (problem, fix string) {
	results := "deny, violation or warn"
	if constraint {
		results = headViolation
	}
	return fmt.Sprintf("nothing uses %s, and it is no result", name), fmt.Sprintf("name it %s, or remove it", results)
}

func ignoredAllow() (problem, fix string) {
	return "allow has no effect in a package that has deny, violation or warn", "remove it, or state what is not allowed as deny"
}

func unfilled(ref string) (problem, fix string) {
	return "nothing defines " + ref, "correct the name, add the module that defines it to the ConfigMap, or add the document to " + dataYAML
}

func neverTrue(head string, because reason) (problem, fix string) {
	return fmt.Sprintf("%s is never true: %s", head, because.text), because.fix
}

func unusedTemplate(name, kind string) (problem, fix string) {
	return fmt.Sprintf("no constraint uses ConstraintTemplate %s, so it judges nothing", name), fmt.Sprintf("add a constraint of kind %s to the same ConfigMap", kind)
}

func ignoredConstraint(name string) (problem, fix string) {
	return fmt.Sprintf("constraint %s concerns neither Pods nor Deployments and is ignored", name), "remove it, or add Pod to match.kinds"
}

// The reasons for which an expression is never true.

func alwaysOther(expression, path string, values []string) reason {
	is := "is always " + strings.Join(values, " or ")
	fix := "correct the comparison or remove the rule"
	if strings.HasSuffix(path, "kind") || strings.HasSuffix(path, "apiVersion") {
		fix = "policies see only Deployments and their pods: judge input.effective.pod, or remove the rule"
	}
	return reason{text: fmt.Sprintf("it requires %s, and %s %s", expression, path, is), fix: fix}
}

func alwaysSame(expression string) reason {
	return reason{text: fmt.Sprintf("it requires %s, which is always false", expression), fix: "correct the comparison or remove the rule"}
}

func contradiction(expression, other string) reason {
	return reason{text: fmt.Sprintf("it requires both %s and %s", other, expression), fix: "split it into two rules"}
}

func noField(path, fix string) reason {
	return reason{text: "the input never has " + path, fix: fix}
}

// quoted returns Rego as a warning quotes it.
func quoted(rego []byte) string {
	line, _, _ := strings.Cut(string(rego), "\n")
	return oneline.CutBytes(oneline.Of(line), maxQuoted)
}
