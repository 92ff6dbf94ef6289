package check

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table writes a row for each finding, and one for each workload without any.
func (r Report) table(w io.Writer) error {
	rows := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(rows, "RESULT\tFILE\tLINE\tNAMESPACE\tWORKLOAD\tPOLICY\tMESSAGE")
	for _, one := range r.Workloads {
		row := func(result, rule, message string) {
			fmt.Fprintf(rows, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", result, notACommand(one.Place.File), one.Place.Line, notACommand(one.Namespace), notACommand(one.Name), rule, notACommand(message))
		}
		found := one.findings()
		for _, f := range found {
			row(string(f.severity), f.rule, f.line)
		}
		if len(found) == 0 {
			row(outcome(one.Verdict.Decision), "", "")
		}
	}
	for _, about := range r.Warnings {
		fmt.Fprintf(rows, "%s\t%s\t%d\t\t\t%s\t%s\n", warning, notACommand(about.File), about.Line, ineffective, notACommand(about.Problem+"; "+about.Fix))
	}
	return rows.Flush()
}

// tap writes a test point for each workload
// (https://testanything.org/tap-version-13-specification.html).
// A denial and an evaluation error are failures.
func (r Report) tap(w io.Writer) error {
	escape := strings.NewReplacer(`\`, `\\`, "#", `\#`)
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 13\n1..%d\n", len(r.Workloads))
	for i, one := range r.Workloads {
		result := "ok"
		if len(one.lines(denied, unknown)) > 0 {
			result = "not ok"
		}
		fmt.Fprintf(&b, "%s %d - %s\n", result, i+1, escape.Replace(fmt.Sprintf("%s: deployment/%s in namespace %s", one.Place, one.Name, one.Namespace)))
		for _, f := range one.findings() {
			fmt.Fprintf(&b, "# %s: %s\n", f.severity, notACommand(f.line))
		}
	}
	for _, about := range r.Warnings {
		fmt.Fprintf(&b, "# policy warning: %s\n", notACommand(about.String()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
