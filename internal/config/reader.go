package config

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// reader takes values out of YAML and notes every mistake, where a decoder would stop at the first or not know its line.
type reader struct {
	mistakes []mistake
	// lines are those of the keys and items that were read, by path.
	lines map[string]int
}

// value reads one value, which stands at a path such as history.keepGone.
type value func(r *reader, at string, n *yaml.Node)

// document is the content's only YAML document; nil where it holds nothing.
func document(content []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, Mistakes{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, Mistakes{"line " + strconv.Itoa(second.Line) + ": a second document begins: expected one"}
	} else if !errors.Is(err, io.EOF) {
		return nil, Mistakes{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	return first.Content[0], nil
}

func (r *reader) expected(at string, n *yaml.Node, what string) {
	is := strconv.Quote(n.Value)
	switch {
	case n.Kind == yaml.MappingNode:
		is = "a mapping"
	case n.Kind == yaml.SequenceNode:
		is = "a list"
	case n.Tag == "!!int", n.Tag == "!!float", n.Tag == "!!bool":
		is = n.Value
	}
	if at == "" {
		at = "the configuration"
	}
	r.mistake(n.Line, "%s is %s: expected %s", at, is, what)
}

// object is a mapping of known keys. What is null is not set.
func object(keys map[string]value) value {
	return func(r *reader, at string, n *yaml.Node) {
		if n = target(n); n.Tag == "!!null" {
			return
		}
		known := strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
		if n.Kind != yaml.MappingNode {
			r.expected(at, n, "a mapping of "+known)
			return
		}
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, line := n.Content[i].Value, n.Content[i].Line
			path := strings.TrimPrefix(at+"."+key, ".")
			read, ok := keys[key]
			switch first := seen[key]; {
			case !ok:
				r.mistake(line, "%s is no key of the configuration: expected one of %s", path, known)
				continue
			case first > 0:
				r.mistake(line, "%s is set twice: on line %d before", path, first)
				continue
			}
			seen[key], r.lines[path] = line, line
			read(r, path, n.Content[i+1])
		}
	}
}

// list is a sequence. What is null is not set.
func list(item value) value {
	return func(r *reader, at string, n *yaml.Node) {
		if n = target(n); n.Tag == "!!null" {
			return
		}
		if n.Kind != yaml.SequenceNode {
			r.expected(at, n, "a list")
			return
		}
		for i, each := range n.Content {
			path := at + "[" + strconv.Itoa(i) + "]"
			r.lines[path] = each.Line
			item(r, path, each)
		}
	}
}

// scalar is what is neither a mapping nor a list. What is null is not set.
func scalar(read value) value {
	return func(r *reader, at string, n *yaml.Node) {
		switch n = target(n); {
		case n.Tag == "!!null":
		case n.Kind != yaml.ScalarNode:
			r.expected(at, n, "a single value")
		default:
			read(r, at, n)
		}
	}
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func text[T ~string](into *T) value {
	return scalar(func(_ *reader, _ string, n *yaml.Node) { *into = T(n.Value) })
}

// texts is a list of texts, which replaces the one of the defaults.
func texts(into *[]string) value {
	return func(r *reader, at string, n *yaml.Node) {
		if target(n).Kind == yaml.SequenceNode {
			*into = []string{}
		}
		list(scalar(func(r *reader, at string, n *yaml.Node) {
			if n.Value == "" {
				r.expected(at, n, "a name")
			}
			*into = append(*into, n.Value)
		}))(r, at, n)
	}
}

func choice[T ~string](into *T, options ...T) value {
	words := make([]string, len(options))
	for i, o := range options {
		words[i] = string(o)
	}
	last := len(words) - 1
	what := strings.Join(words[:last], ", ") + " or " + words[last]
	return scalar(func(r *reader, at string, n *yaml.Node) {
		if !slices.Contains(options, T(n.Value)) {
			r.expected(at, n, what)
			return
		}
		*into = T(n.Value)
	})
}

// number is a whole number of at least least; what says so in words.
func number(into *int, least int, what string) value {
	return scalar(func(r *reader, at string, n *yaml.Node) {
		var v int
		switch {
		case n.Tag != "!!int" || n.Decode(&v) != nil:
			r.expected(at, n, "a whole number, "+what)
		case v < least:
			r.expected(at, n, what)
		default:
			*into = v
		}
	})
}

func duration(into *time.Duration, example string) value {
	return scalar(func(r *reader, at string, n *yaml.Node) {
		d, err := time.ParseDuration(n.Value)
		switch {
		case err != nil:
			r.expected(at, n, "a duration such as "+example)
		case d < 0:
			r.expected(at, n, "no negative duration")
		default:
			*into = d
		}
	})
}

func truth(into *bool) value {
	return scalar(func(r *reader, at string, n *yaml.Node) {
		var v bool
		if n.Decode(&v) != nil {
			r.expected(at, n, "true or false")
			return
		}
		*into = v
	})
}
