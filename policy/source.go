package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/internal/oneline"
)

const (
	// parametersFile is the key, or file, that holds a source's parameters.
	parametersFile = "parameters.yaml"
	// maxSource is the most that a source may hold, in bytes: an object in the API server holds no
	// more.
	maxSource = 1 << 20
)

// ParseSource reads the files of one source, such as a ConfigMap's keys: *.rego and
// parameters.yaml. Rego's own tests, *_test.rego, are left out. The error names
// the file.
func ParseSource(name string, files map[string]string) ([]Module, error) {
	size := 0
	for _, text := range files {
		size += len(text)
	}
	if size > maxSource {
		return nil, fmt.Errorf("%s holds %d bytes: at most %d are read", name, size, maxSource)
	}
	var parameters any
	if err := yaml.Unmarshal([]byte(files[parametersFile]), &parameters); err != nil {
		return nil, fmt.Errorf("%s/%s: %s", name, parametersFile, oneline.Of(err.Error()))
	}
	var modules []Module
	for _, file := range slices.Sorted(maps.Keys(files)) {
		switch {
		case file == parametersFile, strings.HasSuffix(file, "_test.rego"):
		case strings.HasSuffix(file, ".rego"):
			modules = append(modules, Module{File: name + "/" + file, Rego: files[file], Source: name, Parameters: parameters})
		default:
			return nil, fmt.Errorf("%s/%s: expected *.rego and %s", name, file, parametersFile)
		}
	}
	if len(modules) == 0 {
		return nil, fmt.Errorf("%s holds no *.rego", name)
	}
	return modules, nil
}

// Source is a source as it is now, whether or not it can be used.
type Source struct {
	Modules []Module
	// Err is why the source could not even be read.
	Err error
}

// Bundle is an engine and what is in it.
type Bundle struct {
	Engine *Engine
	// Active are the sources in the engine, by name.
	Active map[string][]Module
	// Rejected is why a source is not in force as it is now. Its last good state is, where there is
	// one.
	Rejected map[string]error
}

// Load compiles the base with all candidates. A candidate that does not
// compile with those before it, by name, takes none of them down: what was in
// force of it stays. The error is the base's own.
func Load(ctx context.Context, base []Module, candidates map[string]Source, inForce map[string][]Module, limits Limits, terms Overrides) (Bundle, error) {
	all := slices.Clone(base)
	result := Bundle{Active: map[string][]Module{}, Rejected: map[string]error{}}
	readable := true
	for _, name := range slices.Sorted(maps.Keys(candidates)) {
		all = append(all, candidates[name].Modules...)
		result.Active[name] = candidates[name].Modules
		readable = readable && candidates[name].Err == nil
	}
	engine, err := New(ctx, all, limits, terms)
	if err == nil && readable {
		result.Engine = engine
		return result, nil
	}
	return assembleOneByOne(ctx, base, candidates, inForce, limits, terms)
}

// assembleOneByOne adds the candidates in turn and leaves out those at fault.
func assembleOneByOne(ctx context.Context, base []Module, candidates map[string]Source, inForce map[string][]Module, limits Limits, terms Overrides) (Bundle, error) {
	result := Bundle{Active: map[string][]Module{}, Rejected: map[string]error{}}
	var err error
	if result.Engine, err = New(ctx, base, limits, terms); err != nil {
		return Bundle{}, fmt.Errorf("compiling the built-in policies: %w", err)
	}
	all := slices.Clone(base)
	try := func(name string, modules []Module) error {
		engine, err := New(ctx, slices.Concat(all, modules), limits, terms)
		if err != nil {
			return err
		}
		result.Engine, result.Active[name] = engine, modules
		all = append(all, modules...)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(candidates)) {
		candidate := candidates[name]
		err := candidate.Err
		if err == nil {
			err = try(name, candidate.Modules)
		}
		if err == nil {
			continue
		}
		result.Rejected[name] = err
		if last := inForce[name]; len(last) > 0 {
			if stale := try(name, last); stale != nil {
				result.Rejected[name] = errors.Join(err, fmt.Errorf("its last good state does not compile any more either: %w", stale))
			}
		}
	}
	return result, nil
}

// The label of ConfigMaps that hold policies, and its value.
const (
	Label      = "reprise.dev/policy"
	LabelValue = "true"
)
