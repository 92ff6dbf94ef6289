package check

import (
	"encoding/json"
	"io"
	"net/url"
	"slices"

	"reprise.dev/reprise/internal/version"
)

// The parts of SARIF 2.1.0 that a report needs
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
		// Suppressions are exemptions: tools show such a result apart.
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification,omitempty"`
	}
)

// ineffective is the rule of warnings about policies.
const ineffective = "policy-without-effect"

// sarif writes the findings as code scanning reads them. Each is at the line on which its manifest
// begins.
func (r Report) sarif(w io.Writer) error {
	results := []sarifResult{}
	for _, one := range r.Workloads {
		for _, f := range one.findings() {
			result := sarifResult{RuleID: f.rule, Level: levels[f.severity], Message: sarifText{Text: f.line}}
			if result.Level == "notice" {
				result.Level = "note"
			}
			result.Locations = []sarifLocation{{Physical: sarifPlace(one.Place.File, one.Place.Line), Logical: []sarifLogical{{FullyQualifiedName: one.Namespace + "/deployment/" + one.Name}}}}
			if f.severity == exempt {
				result.Suppressions = []sarifSuppression{{Kind: "external", Justification: f.line}}
			}
			results = append(results, result)
		}
	}
	for _, about := range r.Warnings {
		results = append(results, sarifResult{
			RuleID: ineffective, Level: "warning", Message: sarifText{Text: about.Problem + "; " + about.Fix},
			Locations: []sarifLocation{{Physical: sarifPlace(about.File, about.Line)}},
		})
	}
	rules := []sarifRule{}
	for _, result := range results {
		if !slices.Contains(rules, sarifRule{ID: result.RuleID}) {
			rules = append(rules, sarifRule{ID: result.RuleID})
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{Driver: sarifDriver{Name: "reprise", Version: version.String(), Rules: rules}}, Results: results}},
	})
}

func sarifPlace(file string, line int) sarifPhysical {
	return sarifPhysical{Artifact: sarifArtifact{URI: (&url.URL{Path: file}).String()}, Region: sarifRegion{StartLine: line}}
}
