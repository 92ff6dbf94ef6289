package main

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"gopkg.in/yaml.v3"
)

// value is one key of values.yaml, with what its comment says.
type value struct {
	key, path string
	// meaning is the comment, in one line.
	meaning string
	// keywords are those of the comment's @schema line.
	keywords map[string]any
	node     *yaml.Node
	// children are the keys of an object that is no value by itself.
	children []value
}

// open is the keyword by which an object is one value, whose keys are the user's.
const open = "additionalProperties"

// shorthands stand for keywords in an @schema line.
func shorthands() map[string]map[string]any {
	return map[string]map[string]any{
		"open":     {open: true},
		"duration": {"pattern": `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`},
		"port":     {"minimum": 1, "maximum": 65535},
	}
}

// parse reads values.yaml. A value without a comment is an error: nobody would know what it does.
func parse(content []byte) ([]value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("expected a mapping")
	}
	return children(document.Content[0], "")
}

func children(mapping *yaml.Node, at string) ([]value, error) {
	var all []value
	var problems []error
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, node := mapping.Content[i], mapping.Content[i+1]
		v := value{key: key.Value, path: strings.TrimPrefix(at+"."+key.Value, "."), node: node}
		err := v.comment(key.HeadComment)
		switch {
		case err != nil:
		case node.Kind == yaml.MappingNode && len(node.Content) == 0 || v.meaning != "" && node.Kind == yaml.MappingNode && !commented(node):
			v.open()
		case node.Kind == yaml.MappingNode && v.keywords[open] == nil:
			v.children, err = children(node, v.path)
		}
		if err == nil && v.children == nil && v.meaning == "" {
			err = fmt.Errorf("line %d: %s has no comment above it that says what it is", key.Line, v.path)
		}
		problems = append(problems, err)
		all = append(all, v)
	}
	return all, errors.Join(problems...)
}

// commented reports whether a mapping has a comment somewhere in it. One that has none, under a
// comment that speaks of it as a whole, is one value: its keys are the user's.
func commented(mapping *yaml.Node) bool {
	for i, node := range mapping.Content {
		if i%2 == 0 && node.HeadComment != "" || node.Kind == yaml.MappingNode && commented(node) {
			return true
		}
	}
	return false
}

// open leaves the keys of an object to the user, unless its comment says otherwise.
func (v *value) open() {
	if v.keywords == nil {
		v.keywords = map[string]any{}
	}
	if _, said := v.keywords[open]; !said {
		v.keywords[open] = true
	}
}

// comment takes a comment apart into what the value means and what it may be.
func (v *value) comment(text string) error {
	var words []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimLeft(line, "#"))
		rules, found := strings.CutPrefix(line, "@schema ")
		if !found {
			words = append(words, line)
			continue
		}
		keywords, short := shorthands()[rules]
		if !short {
			if err := yaml.Unmarshal([]byte(rules), &keywords); err != nil {
				return fmt.Errorf("%s: @schema %s is neither a shorthand nor keywords in YAML: %w", v.path, rules, err)
			}
		}
		if v.keywords == nil {
			v.keywords = map[string]any{}
		}
		maps.Copy(v.keywords, keywords)
	}
	v.meaning = strings.TrimSpace(strings.Join(words, " "))
	return nil
}
