package check

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"reprise.dev/reprise/policy"
)

// jsonViolation is a violation, a warning or a dry run's finding.
type jsonViolation struct {
	Rule    string `json:"rule"`
	Field   string `json:"field,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
	// Reason and Until are an exemption's.
	Reason string `json:"reason,omitempty"`
	Until  string `json:"until,omitempty"`
}

type jsonWorkload struct {
	File       string          `json:"file"`
	Document   int             `json:"document"`
	Line       int             `json:"line"`
	Item       int             `json:"item,omitempty"`
	Namespace  string          `json:"namespace"`
	Name       string          `json:"name"`
	Decision   string          `json:"decision"`
	Violations []jsonViolation `json:"violations"`
	Warnings   []jsonViolation `json:"warnings"`
	DryRun     []jsonViolation `json:"dryRun"`
	Exempted   []jsonViolation `json:"exempted"`
	Errors     []jsonViolation `json:"evaluationErrors"`
}

// json writes the report as one object. Its fields stay as they are: others read it.
func (r Report) json(w io.Writer) error {
	out := struct {
		Decision     string         `json:"decision"`
		Workloads    []jsonWorkload `json:"workloads"`
		OtherObjects int            `json:"otherObjects"`
		// Warnings are about the policies.
		Warnings []policy.Warning `json:"policyWarnings"`
	}{Decision: r.Decision().String(), Workloads: []jsonWorkload{}, OtherObjects: r.OtherObjects, Warnings: append([]policy.Warning{}, r.Warnings...)}
	for _, one := range r.Workloads {
		j := jsonWorkload{
			File: one.Place.File, Document: one.Place.Document, Line: one.Place.Line, Item: one.Place.Item,
			Namespace: one.Namespace, Name: one.Name, Decision: one.Verdict.Decision.String(),
			Violations: jsonViolations(one.Verdict.Violations), Warnings: jsonViolations(one.Verdict.Warnings),
			DryRun: jsonViolations(one.Verdict.DryRun), Exempted: []jsonViolation{}, Errors: []jsonViolation{},
		}
		for _, e := range one.Verdict.Exempted {
			v := jsonViolations([]policy.Violation{e.Violation})[0]
			v.Reason, v.Until = e.Reason, e.Until
			j.Exempted = append(j.Exempted, v)
		}
		for _, e := range one.Verdict.Errors {
			j.Errors = append(j.Errors, jsonViolation{Rule: e.Rule, Message: e.Reason})
		}
		out.Workloads = append(out.Workloads, j)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out)
}

func jsonViolations(list []policy.Violation) []jsonViolation {
	out := []jsonViolation{}
	for _, v := range list {
		out = append(out, jsonViolation{Rule: v.Rule, Field: v.Field, Path: v.Path, Message: v.Message, Fix: v.Fix})
	}
	return out
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Classname string        `xml:"classname,attr"`
	File      string        `xml:"file,attr"`
	Failure   *junitProblem `xml:"failure"`
	Error     *junitProblem `xml:"error"`
	Output    string        `xml:"system-out,omitempty"`
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
	Output   string      `xml:"system-out,omitempty"`
}

// junit writes one case for each workload: a denial is a failure, an evaluation error is an error,
// and the rest is its output.
func (r Report) junit(w io.Writer) error {
	suite := junitSuite{Name: "reprise check", Tests: len(r.Workloads)}
	for _, one := range r.Workloads {
		c := junitCase{Name: "deployment/" + one.Name, Classname: one.Namespace, File: one.Place.File}
		if lines := one.lines(denied); len(lines) > 0 {
			suite.Failures++
			c.Failure = &junitProblem{Message: lines[0], Text: strings.Join(lines, "\n")}
		}
		if lines := one.lines(unknown); len(lines) > 0 && c.Failure == nil {
			suite.Errors++
			c.Error = &junitProblem{Message: lines[0], Text: strings.Join(lines, "\n")}
		}
		c.Output = strings.Join(one.lines(exempt, warning, dryRun), "\n")
		suite.Cases = append(suite.Cases, c)
	}
	suite.Output = strings.Join(r.warnings(), "\n")
	encoded, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, encoded)
	return err
}

// levels are the severities as GitHub calls them.
var levels = map[severity]string{denied: "error", unknown: "error", exempt: "warning", warning: "warning", dryRun: "notice"}

// github writes workflow commands, which GitHub shows at the lines of a change
// (docs.github.com: workflow commands for GitHub Actions).
func (r Report) github(w io.Writer) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, one := range r.Workloads {
		for _, f := range one.findings() {
			title := "title=" + property.Replace(fmt.Sprintf("deployment/%s %s (%s)", one.Name, f.severity, f.rule))
			if one.Place.File != stdin {
				title = fmt.Sprintf("file=%s,line=%d,%s", property.Replace(one.Place.File), one.Place.Line, title)
			}
			if _, err := fmt.Fprintf(w, "::%s %s::%s\n", levels[f.severity], title, data.Replace(f.line)); err != nil {
				return err
			}
		}
	}
	for _, about := range r.Warnings {
		if _, err := fmt.Fprintf(w, "::warning file=%s,line=%d,title=policy without an effect::%s\n", property.Replace(about.File), about.Line, data.Replace(about.Problem+"; "+about.Fix)); err != nil {
			return err
		}
	}
	return nil
}

// warnings returns the warnings about policies, each one line.
func (r Report) warnings() []string {
	var lines []string
	for _, about := range r.Warnings {
		lines = append(lines, about.String())
	}
	return lines
}
