package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/internal/oneline"
)

const (
	// dataYAML and dataJSON are the keys, or files, that hold what the rules of a source see as
	// data, as Conftest reads it by --data.
	dataYAML = "data.yaml"
	dataJSON = "data.json"
	// parametersFile is the key, or file, that holds a source's parameters.
	parametersFile = "parameters.yaml"
	// maxSource is the limit of a source in bytes, which is also that of an object in the API
	// server.
	maxSource = 1 << 20
)

// ParseSource reads the files of one source, such as a ConfigMap's keys: *.rego, parameters.yaml,
// data.yaml or data.json, and ConstraintTemplates and constraints of Gatekeeper in *.yaml. It
// ignores tests, *_test.rego, and all other files, such as a README. The error names the file.
func ParseSource(name string, files map[string]string) (Source, error) {
	size := 0
	for _, text := range files {
		size += len(text)
	}
	if size > maxSource {
		return Source{}, fmt.Errorf("%s holds %d bytes: at most %d are read", name, size, maxSource)
	}
	var parameters any
	if err := yaml.Unmarshal([]byte(files[parametersFile]), &parameters); err != nil {
		return Source{}, fmt.Errorf("%s/%s: %s", name, parametersFile, oneline.Of(err.Error()))
	}
	data := map[string]any{}
	for _, file := range []string{dataYAML, dataJSON} {
		if err := yaml.Unmarshal([]byte(files[file]), &data); err != nil {
			return Source{}, fmt.Errorf("%s/%s: %s", name, file, oneline.Of(err.Error()))
		}
	}
	var modules []Module
	objects := map[string]string{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		switch extension := path.Ext(file); {
		case file == parametersFile, file == dataYAML, strings.HasSuffix(file, "_test.rego"):
		case extension == ".rego":
			modules = append(modules, Module{File: name + "/" + file, Rego: files[file], Source: name, Parameters: parameters, Data: data})
		case extension == ".yaml", extension == ".yml":
			objects[file] = files[file]
		}
	}
	constraints, warnings, err := parseGatekeeper(name, objects)
	if err != nil {
		return Source{}, err
	}
	modules = append(modules, constraints...)
	if len(modules) == 0 {
		return Source{}, fmt.Errorf("%s has no policies: expected *.rego, or *.yaml with a ConstraintTemplate and a constraint on Pods or Deployments", name)
	}
	return Source{Modules: modules, Warnings: warnings}, nil
}

// Source is the current state of a source, valid or not.
type Source struct {
	Modules []Module
	// Warnings are about files of which no module was made.
	Warnings []Warning
	// Err is why the source could not be read.
	Err error
}

// Bundle is an engine with the sources in it.
type Bundle struct {
	Engine *Engine
	// Active holds the sources in the engine, by name.
	Active map[string][]Module
	// Rejected holds the error of each source whose current state is not active. Its last valid
	// state stays active, if it had one.
	Rejected map[string]error
	// Warnings are about the active sources, and about files of which no module was made.
	Warnings []Warning
}

// Try returns an error for modules that must not be compiled in this process, such as those that
// take too long.
type Try func(context.Context, []Module) error

// Load compiles the base with all candidates. A candidate that does not compile with those before
// it, by name, does not affect them, and its last valid state stays active. Every set of modules
// but the base is tried first; try may be nil. Load fails only if the base does not compile.
func Load(ctx context.Context, base []Module, candidates map[string]Source, active map[string][]Module, limits Limits, overrides Overrides, try Try) (Bundle, error) {
	l := loading{limits: limits, overrides: overrides, try: try}
	all := slices.Clone(base)
	result := Bundle{Active: map[string][]Module{}, Rejected: map[string]error{}}
	for _, name := range slices.Sorted(maps.Keys(candidates)) {
		modules := candidates[name].Modules
		if err := candidates[name].Err; err != nil {
			result.Rejected[name], modules = err, active[name]
		}
		if len(modules) > 0 {
			all = append(all, modules...)
			result.Active[name] = modules
		}
	}
	var err error
	if len(result.Active) == 0 {
		l.try = nil
	}
	if result.Engine, err = l.compile(ctx, all); err != nil {
		result, err = l.oneByOne(ctx, base, candidates, active)
	}
	if err != nil {
		return Bundle{}, err
	}
	result.Warnings = result.Engine.Warnings()
	for name := range result.Active {
		if result.Rejected[name] == nil {
			result.Warnings = append(result.Warnings, candidates[name].Warnings...)
		}
	}
	result.Warnings = LimitWarnings(result.Warnings)
	return result, nil
}

// loading is what all compilations of a Load have in common.
type loading struct {
	limits    Limits
	overrides Overrides
	try       Try
}

func (l loading) compile(ctx context.Context, modules []Module) (*Engine, error) {
	if l.try != nil {
		if err := l.try(ctx, modules); err != nil {
			return nil, err
		}
	}
	return New(ctx, modules, l.limits, l.overrides)
}

// oneByOne adds the candidates in turn and rejects those that do not compile.
func (l loading) oneByOne(ctx context.Context, base []Module, candidates map[string]Source, active map[string][]Module) (Bundle, error) {
	result := Bundle{Active: map[string][]Module{}, Rejected: map[string]error{}}
	var err error
	if result.Engine, err = New(ctx, base, l.limits, l.overrides); err != nil {
		return Bundle{}, fmt.Errorf("compiling the built-in policies: %w", err)
	}
	all := slices.Clone(base)
	try := func(name string, modules []Module) error {
		engine, err := l.compile(ctx, slices.Concat(all, modules))
		if err != nil {
			return err
		}
		result.Engine, result.Active[name] = engine, modules
		all = append(all, modules...)
		return nil
	}
	for _, name := range inOrder(candidates, active) {
		candidate := candidates[name]
		err := candidate.Err
		if err == nil {
			err = try(name, candidate.Modules)
		}
		if err == nil {
			continue
		}
		result.Rejected[name] = err
		if last := active[name]; len(last) > 0 {
			if stale := try(name, last); stale != nil {
				result.Rejected[name] = errors.Join(err, fmt.Errorf("its last valid state no longer compiles either: %w", stale))
			}
		}
	}
	return result, nil
}

// inOrder returns the names of candidates in the order in which they are added: first those that
// are active as they are, then those that have changed, then new ones. So no source takes a
// package or a name from one that is active.
func inOrder(candidates map[string]Source, active map[string][]Module) []string {
	place := func(name string) int {
		switch last := active[name]; {
		case len(last) == 0:
			return 2
		case candidates[name].Err == nil && Digest(last) != Digest(candidates[name].Modules):
			return 1
		default:
			return 0
		}
	}
	return slices.SortedFunc(maps.Keys(candidates), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
}

// The label of ConfigMaps that hold policies, and its value.
const (
	Label      = "reprise.dev/policy"
	LabelValue = "true"
)
