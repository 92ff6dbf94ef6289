package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"reprise.dev/reprise/internal/oneline"
)

// The API groups of Gatekeeper, and the target of its admission.
const (
	templateGroup    = "templates.gatekeeper.sh/"
	constraintGroup  = "constraints.gatekeeper.sh/"
	gatekeeperTarget = "admission.k8s.gatekeeper.sh"
	engineRego       = "Rego"
)

// Constraint is a use of a ConstraintTemplate, as in Gatekeeper.
type Constraint struct {
	// Name and Kind are the constraint's own. Name is also that of the policy.
	Name, Kind  string
	Enforcement Enforcement
	// Namespaces is where it applies; empty means everywhere.
	Namespaces Scope
	// Labels selects the objects by their labels; nil means all.
	Labels *metav1.LabelSelector
	// Pod reports whether it is about Pods: the rules review the effective pod. Otherwise they
	// review the Deployment.
	Pod bool
}

// constraintTemplate is what Reprise reads of a ConstraintTemplate.
type constraintTemplate struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		CRD struct {
			Spec struct {
				Names struct {
					Kind string `json:"kind"`
				} `json:"names"`
			} `json:"spec"`
		} `json:"crd"`
		Targets []target `json:"targets"`
	} `json:"spec"`

	file string
}

type target struct {
	Target string   `json:"target"`
	Rego   string   `json:"rego"`
	Libs   []string `json:"libs"`
	Code   []struct {
		Engine string `json:"engine"`
		Source struct {
			Rego string   `json:"rego"`
			Libs []string `json:"libs"`
		} `json:"source"`
	} `json:"code"`
}

// constraint is what Reprise reads of a constraint.
type constraint struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		EnforcementAction string         `json:"enforcementAction"`
		Parameters        map[string]any `json:"parameters"`
		Match             struct {
			Kinds []struct {
				APIGroups []string `json:"apiGroups"`
				Kinds     []string `json:"kinds"`
			} `json:"kinds"`
			Scope              string                `json:"scope"`
			Name               string                `json:"name"`
			Namespaces         []string              `json:"namespaces"`
			ExcludedNamespaces []string              `json:"excludedNamespaces"`
			LabelSelector      *metav1.LabelSelector `json:"labelSelector"`
			NamespaceSelector  *metav1.LabelSelector `json:"namespaceSelector"`
		} `json:"match"`
	} `json:"spec"`

	file string
}

// parseGatekeeper reads the ConstraintTemplates and constraints in the YAML files of a source.
// Other objects, such as the samples of a library, are ignored. It returns a module for each
// constraint that may concern a workload and for each library of its template, and warns of the
// others.
func parseGatekeeper(source string, files map[string]string) ([]Module, []Warning, error) {
	templates := map[string]constraintTemplate{}
	var constraints []constraint
	for _, file := range slices.Sorted(maps.Keys(files)) {
		at := source + "/" + file
		for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(files[file]), 4096); ; {
			var raw map[string]any
			if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, nil, fmt.Errorf("%s: %s", at, oneline.Of(err.Error()))
			}
			if raw == nil {
				continue // An empty document.
			}
			version, _ := raw["apiVersion"].(string)
			if version == "" {
				return nil, nil, fmt.Errorf("%s is no object of Kubernetes: parameters are read from %s, and documents from %s or %s",
					at, parametersFile, dataYAML, dataJSON)
			}
			var err error
			switch kind, _ := raw["kind"].(string); {
			case strings.HasPrefix(version, templateGroup) && kind == "ConstraintTemplate":
				t := constraintTemplate{file: at}
				err = decodeInto(raw, &t)
				templates[t.Spec.CRD.Spec.Names.Kind] = t
			case strings.HasPrefix(version, constraintGroup):
				c := constraint{file: at}
				err = decodeInto(raw, &c)
				constraints = append(constraints, c)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", at, err)
			}
		}
	}
	var modules []Module
	var warnings []Warning
	warn := func(file, problem, fix string) {
		warnings = append(warnings, Warning{Source: source, File: file, Line: 1, Problem: problem, Fix: fix})
	}
	used := map[string]bool{}
	for _, c := range constraints {
		used[c.Kind] = true
		own, err := c.modules(source, templates)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: constraint %s: %w", c.file, c.Metadata.Name, err)
		}
		if len(own) == 0 {
			problem, fix := ignoredConstraint(c.Metadata.Name)
			warn(c.file, problem, fix)
		}
		modules = append(modules, own...)
	}
	for kind, t := range templates {
		if !used[kind] {
			problem, fix := unusedTemplate(t.Metadata.Name, kind)
			warn(t.file, problem, fix)
		}
	}
	return modules, LimitWarnings(warnings), nil
}

// decodeInto reads an object of decoded YAML.
func decodeInto(raw map[string]any, into any) error {
	text, err := json.Marshal(raw)
	if err != nil {
		return fmt.Errorf("reading the object: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading the object: %s", oneline.Of(err.Error()))
	}
	return nil
}

// modules returns the modules of a constraint; none if it concerns no workload.
func (c constraint) modules(source string, templates map[string]constraintTemplate) ([]Module, error) {
	template, found := templates[c.Kind]
	if !found {
		return nil, fmt.Errorf("there is no ConstraintTemplate of kind %s in %s: add it", c.Kind, source)
	}
	if c.Metadata.Name == "" {
		return nil, errors.New("metadata.name is missing")
	}
	own, applies, err := c.convert()
	if err != nil || !applies {
		return nil, err
	}
	main, libs, err := template.rego()
	if err != nil {
		return nil, fmt.Errorf("template %s in %s: %w", template.Metadata.Name, template.file, err)
	}
	var parameters any = map[string]any{}
	if c.Spec.Parameters != nil {
		parameters = c.Spec.Parameters
	}
	module := func(file, text string) Module {
		return Module{
			File: template.file + " (" + c.Metadata.Name + file + ")", Rego: text, Source: source, Parameters: parameters, Constraint: own,
		}
	}
	modules := []Module{module("", main)}
	for i, lib := range libs {
		modules = append(modules, module(fmt.Sprintf(", libs[%d]", i), lib))
	}
	return modules, nil
}

// rego returns the Rego of a template and its libraries.
func (t constraintTemplate) rego() (main string, libs []string, err error) {
	for _, target := range t.Spec.Targets {
		if target.Target != gatekeeperTarget {
			continue
		}
		if target.Rego != "" {
			return target.Rego, target.Libs, nil
		}
		var engines []string
		for _, code := range target.Code {
			if code.Engine == engineRego {
				return code.Source.Rego, code.Source.Libs, nil
			}
			engines = append(engines, code.Engine)
		}
		return "", nil, fmt.Errorf("it has no Rego, only %s, which Reprise does not run", strings.Join(engines, " and "))
	}
	return "", nil, fmt.Errorf("it has no target %s", gatekeeperTarget)
}

// convert returns a constraint as Reprise knows it, and whether it may concern a workload. A match
// that Reprise cannot honour is an error: without it, the constraint would deny more or less than
// in Gatekeeper.
func (c constraint) convert() (own *Constraint, applies bool, err error) {
	match := c.Spec.Match
	switch {
	case match.NamespaceSelector != nil:
		return nil, false, errors.New("match.namespaceSelector is not supported: name the namespaces in match.namespaces or match.excludedNamespaces")
	case match.Name != "":
		return nil, false, errors.New("match.name is not supported: use match.labelSelector")
	}
	if match.LabelSelector != nil {
		if _, err := metav1.LabelSelectorAsSelector(match.LabelSelector); err != nil {
			return nil, false, fmt.Errorf("match.labelSelector: %w", err)
		}
	}
	own = &Constraint{
		Name: c.Metadata.Name, Kind: c.Kind, Labels: match.LabelSelector,
		Namespaces: Scope{Include: match.Namespaces, Exclude: match.ExcludedNamespaces},
	}
	switch action := c.Spec.EnforcementAction; action {
	case "", "deny":
		own.Enforcement = EnforceDeny
	case "warn":
		own.Enforcement = EnforceWarn
	case "dryrun":
		own.Enforcement = EnforceDryRun
	default:
		return nil, false, fmt.Errorf("enforcementAction is %q: expected deny, warn or dryrun", action)
	}
	own.Pod = c.matches("", "Pod")
	return own, match.Scope != "Cluster" && (own.Pod || c.matches("apps", "Deployment")), nil
}

// matches reports whether the kinds of a constraint include one. None means all.
func (c constraint) matches(group, kind string) bool {
	has := func(list []string, value string) bool {
		return len(list) == 0 || slices.Contains(list, "*") || slices.Contains(list, value)
	}
	for _, k := range c.Spec.Match.Kinds {
		if has(k.APIGroups, group) && has(k.Kinds, kind) {
			return true
		}
	}
	return len(c.Spec.Match.Kinds) == 0
}

// rule returns the policy that a constraint is.
func (c Constraint) rule() (Rule, error) {
	rule := Rule{Name: c.Name, Title: c.Kind, Enforcement: c.Enforcement, Namespaces: c.Namespaces, onPod: c.Pod}
	if c.Labels == nil {
		return rule, nil
	}
	var err error
	if rule.labels, err = metav1.LabelSelectorAsSelector(c.Labels); err != nil {
		err = fmt.Errorf("constraint %s: match.labelSelector: %w", c.Name, err)
	}
	return rule, err
}

// gatekeeperRoot is the package above those of all constraints.
const gatekeeperRoot = "gatekeeper"

// isolate moves a module of a constraint below a package of its own, together with its references
// to the libraries of its template: templates bring the same library in different versions, and a
// template may be used by several constraints.
func (m Module) isolate(module *ast.Module) error {
	under := func(ref ast.Ref) ast.Ref {
		prefix := ast.Ref{ast.VarTerm(string(ast.DefaultRootDocument.Value.(ast.Var))), ast.StringTerm(gatekeeperRoot), ast.StringTerm(m.inputKey())}
		for _, part := range prefix {
			part.Location = ref[0].Location
		}
		return slices.Concat(prefix, ref[1:])
	}
	module.Package.Path = under(module.Package.Path)
	var foreign error
	ast.WalkTerms(module, func(term *ast.Term) bool {
		ref, isRef := term.Value.(ast.Ref)
		if !isRef || !ref.HasPrefix(ast.DefaultRootRef) || len(ref) < 2 || ref[1].Equal(ast.StringTerm(gatekeeperRoot)) {
			return false
		}
		if ref[1].Equal(ast.StringTerm("lib")) {
			term.Value = under(ref)
			return false
		}
		if foreign == nil {
			foreign = fmt.Errorf("%s: %s is not available: Reprise gives policies no other objects of the cluster", m.File, ref)
		}
		return false
	})
	return foreign
}
