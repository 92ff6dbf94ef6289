package command

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/policy/regotest"
)

// The formats of policy test.
const (
	testsForPeople = "human"
	testsAsJSON    = "json"
	testsAsJUnit   = "junit"
)

// testFormats returns the formats of policy test.
func testFormats() []string { return []string{testsForPeople, testsAsJSON, testsAsJUnit} }

// failed reports whether a test did not pass.
func failed(r regotest.Result) bool {
	return r.Outcome == regotest.Fail || r.Outcome == regotest.Error
}

// writeTests writes the results of tests. What they print is for people only if they ask.
func writeTests(w io.Writer, format string, report regotest.Report, verbose bool) error {
	switch format {
	case testsAsJSON:
		return jsonTests(w, report)
	case testsAsJUnit:
		return junitTests(w, report)
	default:
		return humanTests(w, report, verbose)
	}
}

func humanTests(w io.Writer, report regotest.Report, verbose bool) error {
	var b strings.Builder
	for _, r := range report.Results {
		fmt.Fprintf(&b, "%-5s %s:%d %s\n", r.Outcome, r.File, r.Line, r.Name)
		if r.Detail != "" {
			fmt.Fprintf(&b, "      %s\n", r.Detail)
		}
		if r.Printed != "" && (verbose || failed(r)) {
			for line := range strings.Lines(r.Printed) {
				fmt.Fprintf(&b, "      print: %s\n", mask.Line(line))
			}
		}
	}
	if c := report.Coverage; c != nil {
		fmt.Fprintf(&b, "coverage: %.1f %% of the lines of the rules\n", c.Percent)
		for _, file := range slices.Sorted(maps.Keys(c.Missed)) {
			fmt.Fprintf(&b, "      %s: no test runs line %s\n", file, strings.Trim(strings.ReplaceAll(fmt.Sprint(c.Missed[file]), " ", ", "), "[]"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// jsonTests writes the results as one object. Its fields stay as they are: others read it.
func jsonTests(w io.Writer, report regotest.Report) error {
	type result struct {
		File    string           `json:"file"`
		Line    int              `json:"line"`
		Name    string           `json:"name"`
		Outcome regotest.Outcome `json:"outcome"`
		Detail  string           `json:"detail,omitempty"`
		Printed string           `json:"printed,omitempty"`
	}
	type coverage struct {
		Percent float64          `json:"percent"`
		Missed  map[string][]int `json:"missedLines"`
	}
	out := struct {
		Results  []result  `json:"results"`
		Coverage *coverage `json:"coverage,omitempty"`
	}{Results: []result{}}
	for _, r := range report.Results {
		out.Results = append(out.Results, result(r))
	}
	if report.Coverage != nil {
		out.Coverage = &coverage{Percent: report.Coverage.Percent, Missed: report.Coverage.Missed}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out)
}

// junitTests writes a case for each test, as CI systems read it.
func junitTests(w io.Writer, report regotest.Report) error {
	type problem struct {
		Message string `xml:"message,attr"`
	}
	type testCase struct {
		Name      string    `xml:"name,attr"`
		Classname string    `xml:"classname,attr"`
		File      string    `xml:"file,attr"`
		Line      int       `xml:"line,attr"`
		Failure   *problem  `xml:"failure"`
		Error     *problem  `xml:"error"`
		Skipped   *struct{} `xml:"skipped"`
		Printed   string    `xml:"system-out,omitempty"`
	}
	suite := struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Cases    []testCase `xml:"testcase"`
	}{Name: "reprise policy test", Tests: len(report.Results)}
	for _, r := range report.Results {
		at := strings.LastIndex(r.Name, ".")
		c := testCase{Name: r.Name[at+1:], Classname: r.Name[:max(at, 0)], File: r.File, Line: r.Line, Printed: r.Printed}
		switch r.Outcome {
		case regotest.Fail:
			suite.Failures++
			c.Failure = &problem{r.Detail}
		case regotest.Error:
			suite.Errors++
			c.Error = &problem{r.Detail}
		case regotest.Skipped:
			suite.Skipped++
			c.Skipped = &struct{}{}
		}
		suite.Cases = append(suite.Cases, c)
	}
	encoded, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, encoded)
	return err
}
