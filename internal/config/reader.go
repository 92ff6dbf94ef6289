package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// reader decodes YAML nodes and collects every error with its line. A YAML decoder stops at the
// first error, or does not know its line.
type reader struct {
	errors ValidationErrors
	// lines has the line of each key and list item, by its path.
	lines map[string]int
}

// value decodes the node at a path such as history.retainDeleted; the path is nil for the root.
type value func(r *reader, at *field.Path, n *yaml.Node)

// document returns the only YAML document of the content; nil if the content is empty.
func document(content []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, ValidationErrors{{Line: second.Line, Err: errors.New("a second YAML document begins: expected one")}}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	return first.Content[0], nil
}

// syntaxError returns an error of the YAML parser, which names the line.
func syntaxError(err error) ValidationErrors {
	return ValidationErrors{{Err: errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}}
}

// invalid records that a node has another value than the expected one, such as "a list".
func (r *reader) invalid(at *field.Path, n *yaml.Node, expected string) {
	if at == nil {
		at = field.NewPath("configuration")
	}
	var got any
	switch {
	case n.Kind == yaml.MappingNode:
		got, expected = field.OmitValueType{}, expected+", not a mapping"
	case n.Kind == yaml.SequenceNode:
		got, expected = field.OmitValueType{}, expected+", not a list"
	case n.Tag == "!!timestamp" || n.Decode(&got) != nil:
		got = n.Value
	}
	r.fail(n.Line, field.Invalid(at, got, "expected "+expected))
}

// object decodes a mapping with known keys. A null value leaves the default.
func object(keys map[string]value) value {
	return func(r *reader, at *field.Path, n *yaml.Node) {
		if n = target(n); n.Tag == "!!null" {
			return
		}
		known := slices.Sorted(maps.Keys(keys))
		if n.Kind != yaml.MappingNode {
			r.invalid(at, n, "a mapping with the keys "+strings.Join(known, ", "))
			return
		}
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, line := n.Content[i].Value, n.Content[i].Line
			path := at.Child(key)
			read, ok := keys[key]
			switch first := seen[key]; {
			case !ok:
				r.fail(line, field.Forbidden(path, "unknown key: expected one of "+strings.Join(known, ", ")))
				continue
			case first > 0:
				r.fail(line, field.Forbidden(path, fmt.Sprintf("already set on line %d", first)))
				continue
			}
			seen[key], r.lines[path.String()] = line, line
			read(r, path, n.Content[i+1])
		}
	}
}

// list decodes a sequence. A null value leaves the default.
func list(item value) value {
	return func(r *reader, at *field.Path, n *yaml.Node) {
		if n = target(n); n.Tag == "!!null" {
			return
		}
		if n.Kind != yaml.SequenceNode {
			r.invalid(at, n, "a list")
			return
		}
		for i, each := range n.Content {
			path := at.Index(i)
			r.lines[path.String()] = each.Line
			item(r, path, each)
		}
	}
}

// scalar decodes a single value. A null value leaves the default.
func scalar(read value) value {
	return func(r *reader, at *field.Path, n *yaml.Node) {
		switch n = target(n); {
		case n.Tag == "!!null":
		case n.Kind != yaml.ScalarNode:
			r.invalid(at, n, "a single value")
		default:
			read(r, at, n)
		}
	}
}

// target returns the node that an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func text[T ~string](into *T) value {
	return scalar(func(_ *reader, _ *field.Path, n *yaml.Node) { *into = T(n.Value) })
}

// texts decodes a list of texts, which replaces the default list.
func texts(into *[]string) value {
	return func(r *reader, at *field.Path, n *yaml.Node) {
		if target(n).Kind == yaml.SequenceNode {
			*into = []string{}
		}
		list(scalar(func(r *reader, at *field.Path, n *yaml.Node) {
			if n.Value == "" {
				r.invalid(at, n, "a name")
			}
			*into = append(*into, n.Value)
		}))(r, at, n)
	}
}

func choice[T ~string](into *T, options ...T) value {
	return scalar(func(r *reader, at *field.Path, n *yaml.Node) {
		if !slices.Contains(options, T(n.Value)) {
			r.fail(n.Line, field.NotSupported(at, T(n.Value), options))
			return
		}
		*into = T(n.Value)
	})
}

// number decodes an integer that is at least least; expected says so in words.
func number(into *int, least int, expected string) value {
	return scalar(func(r *reader, at *field.Path, n *yaml.Node) {
		var v int
		switch {
		case n.Tag != "!!int" || n.Decode(&v) != nil:
			r.invalid(at, n, "an integer, "+expected)
		case v < least:
			r.invalid(at, n, expected)
		default:
			*into = v
		}
	})
}

func duration(into *time.Duration, example string) value {
	return scalar(func(r *reader, at *field.Path, n *yaml.Node) {
		d, err := time.ParseDuration(n.Value)
		switch {
		case err != nil:
			r.invalid(at, n, "a duration such as "+example)
		case d < 0:
			r.invalid(at, n, "a duration that is not negative")
		default:
			*into = d
		}
	})
}

func boolean(into *bool) value {
	return scalar(func(r *reader, at *field.Path, n *yaml.Node) {
		var v bool
		if n.Decode(&v) != nil {
			r.invalid(at, n, "true or false")
			return
		}
		*into = v
	})
}
