package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// Decision is the overall result of a verdict.
type Decision int

const (
	// Unknown means that at least one rule could not be evaluated and no other denies. It is not
	// consent: the configured failure policy decides.
	Unknown Decision = iota
	// Allow means that every rule was evaluated without a violation.
	Allow
	// Warn means that every rule was evaluated, none denies, and some warn or have exempt violations.
	Warn
	// Deny means that at least one rule denies, regardless of the others.
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

// Verdict is the result of evaluating one workload. All its lists are sorted and free of
// duplicates.
type Verdict struct {
	Decision Decision
	// Policies identifies the evaluated policies (Engine.Hash).
	Policies   string
	Violations []Violation
	Warnings   []Violation
	// DryRun are violations of rules with the enforcement dryrun, for the log and the audit and not
	// for the deployer.
	DryRun []Violation
	// Exempted are violations that would deny without an active exemption.
	Exempted []Exempted
	Errors   []RuleError
}

// Exempted is a violation that an exemption admits.
type Exempted struct {
	Violation
	// Reason is the exemption's, and Until the last day on which it is active, as 2027-01-31.
	Reason, Until string
}

// Line returns the exempted violation for a developer.
func (e Exempted) Line() string {
	return fmt.Sprintf("exempt from %s until %s (%s): %s", e.Rule, e.Until, e.Reason, e.Violation.Line())
}

// Violation is one violation of one rule.
type Violation struct {
	// Rule is the rule's name, such as requests-within-limits.
	Rule string
	// Field is the path in Score's own terms where they have one, such as
	// containers.frontend.resources.requests.memory; empty if the rule names none.
	Field string
	// Path is the same field as a path in the Deployment, as the API server
	// writes it: spec.template.spec.containers[0].resources.requests[memory].
	Path string
	// Message is one line: the cause, with the values as the API server holds them.
	Message string
	// Fix is one line: what to change. It may be empty.
	Fix string
}

// Line returns the violation for a developer: field, cause, and what to change.
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

// Exempt stands among enforcements for violations that an exemption admits.
const Exempt Enforcement = "exempt"

// RulesByEnforcement returns the names of the violated rules by enforcement, sorted. A rule whose
// violations are exempt is under Exempt.
func (v Verdict) RulesByEnforcement() map[Enforcement][]string {
	rules := map[Enforcement][]string{}
	for enforcement, violations := range map[Enforcement][]Violation{
		EnforceDeny: v.Violations, EnforceWarn: v.Warnings, EnforceDryRun: v.DryRun,
	} {
		for _, violation := range violations {
			rules[enforcement] = append(rules[enforcement], violation.Rule)
		}
	}
	for _, exempted := range v.Exempted {
		rules[Exempt] = append(rules[Exempt], exempted.Rule)
	}
	for enforcement, names := range rules {
		slices.Sort(names)
		rules[enforcement] = slices.Compact(names)
	}
	return rules
}

// ErrorKind is why a rule could not be evaluated.
type ErrorKind int

const (
	// Broken means that the rule failed: a builtin's error, a conflict, or a result that is neither a
	// message nor an object with one.
	Broken ErrorKind = iota
	// TimedOut means that the rule exceeded its deadline.
	TimedOut
	// NoData means that the rule lacks data that it needs.
	NoData
)

// String names the kind as it appears in metrics.
func (k ErrorKind) String() string {
	switch k {
	case TimedOut:
		return "timeout"
	case NoData:
		return "no-data"
	default:
		return "broken"
	}
}

// RuleError is the evaluation error of one rule. It affects no other rule.
type RuleError struct {
	Rule string
	Kind ErrorKind
	// Reason is one line.
	Reason string
}

// Line returns the error for an operator or a developer.
func (e RuleError) Line() string {
	return "rule " + e.Rule + " could not be evaluated: " + e.Reason
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
