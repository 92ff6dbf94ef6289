package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// Decision is what a verdict comes to.
type Decision int

const (
	// Unknown means that at least one rule could not be judged, and none of the
	// others denies. It is not consent: the configured failure policy decides.
	Unknown Decision = iota
	// Allow means that every rule was judged and none had anything to say.
	Allow
	// Warn means that every rule was judged, none denies, and some warn or would deny but for an
	// exemption.
	Warn
	// Deny means that at least one rule denies, whatever became of the others.
	Deny
)

// String names the decision as it appears in logs, metrics and audit annotations.
func (d Decision) String() string {
	switch d {
	case Allow:
		return "allow"
	case Warn:
		return "warn"
	case Deny:
		return "deny"
	default:
		return "unknown"
	}
}

// Verdict is the outcome of judging one workload: data, never an error.
// All its lists are sorted and free of duplicates.
type Verdict struct {
	Decision Decision
	// Policies is the digest of the policies that judged (Engine.Digest).
	Policies   string
	Violations []Violation
	Warnings   []Violation
	// DryRun is what rules found whose enforcement is dryrun: for the log and the audit, never for the
	// deployer.
	DryRun []Violation
	// Exempted is what would deny, but for an exemption that holds.
	Exempted []Exempted
	Errors   []RuleError
}

// Exempted is a violation that an exemption lets pass.
type Exempted struct {
	Violation
	// Reason is the exemption's, and Until the last day on which it holds, as 2027-01-31.
	Reason, Until string
}

// Line is the exempted violation as a developer reads it.
func (e Exempted) Line() string {
	return fmt.Sprintf("exempt from %s until %s (%s): %s", e.Rule, e.Until, e.Reason, e.Violation.Line())
}

// Violation is one thing that one rule objects to.
type Violation struct {
	// Rule is the rule's name, such as requests-within-limits.
	Rule string
	// Field is the path in Score's own terms where they have one, such as
	// containers.frontend.resources.requests.memory; empty if the rule names none.
	Field string
	// Path is the same field as a path in the Deployment, as the API server
	// writes it: spec.template.spec.containers[0].resources.requests[memory].
	Path string
	// Message is one line: what is wrong, with the values as the API server holds them.
	Message string
	// Fix is one line: what to change. It may be empty.
	Fix string
}

// Line is the violation as a developer reads it: field, cause, what to change.
func (v Violation) Line() string {
	line := v.Message
	if v.Field != "" {
		line = v.Field + ": " + line
	}
	if v.Fix != "" {
		line += "; " + v.Fix
	}
	return line
}

// ErrorKind tells why a rule has no verdict.
type ErrorKind int

const (
	// Broken means that the rule itself failed: a builtin's error, a conflict,
	// a result that is neither a message nor an object with one.
	Broken ErrorKind = iota
	// TimedOut means that the rule was not done by its deadline.
	TimedOut
	// CannotTell means that the rule works, but something it needs is not known.
	CannotTell
)

// String names the kind as it appears in metrics.
func (k ErrorKind) String() string {
	switch k {
	case TimedOut:
		return "timeout"
	case CannotTell:
		return "no-data"
	default:
		return "broken"
	}
}

// RuleError says that one rule could not be judged, and why. No other rule is affected.
type RuleError struct {
	Rule string
	Kind ErrorKind
	// Reason is one line.
	Reason string
}

// Line is the error as an operator or a developer reads it.
func (e RuleError) Line() string {
	return "rule " + e.Rule + " could not be judged: " + e.Reason
}

// settle sorts the lists, drops duplicates and derives the decision.
func (v *Verdict) settle() {
	v.Violations = sortedUnique(v.Violations, compareViolations)
	v.Warnings = sortedUnique(v.Warnings, compareViolations)
	v.DryRun = sortedUnique(v.DryRun, compareViolations)
	v.Exempted = sortedUnique(v.Exempted, func(a, b Exempted) int { return compareViolations(a.Violation, b.Violation) })
	v.Errors = sortedUnique(v.Errors, compareErrors)
	switch {
	case len(v.Violations) > 0:
		v.Decision = Deny
	case len(v.Errors) > 0:
		v.Decision = Unknown
	case len(v.Warnings)+len(v.Exempted) > 0:
		v.Decision = Warn
	default:
		v.Decision = Allow
	}
}

func compareViolations(a, b Violation) int {
	return cmp.Or(
		cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.Fix, b.Fix),
		cmp.Compare(a.Rule, b.Rule),
	)
}

func compareErrors(a, b RuleError) int {
	return cmp.Or(
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Reason, b.Reason),
	)
}

func sortedUnique[T comparable](list []T, compare func(a, b T) int) []T {
	slices.SortFunc(list, compare)
	return slices.Compact(list)
}
