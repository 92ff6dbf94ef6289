package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/internal/oneline"
)

// stdin is the name of standard input among files.
const stdin = "-"

// ErrScoreFile says that a document is Score's own, from which no manifests were made.
var ErrScoreFile = errors.New("is a Score file: run score-k8s generate, and check the manifests.yaml that it writes")

// Position is where a manifest stands.
type Position struct {
	// File is the path as it was given. "-" is standard input.
	File string
	// Document counts the file's documents from 1, and Line is the one on which it starts.
	Document, Line int
	// Item counts the items of a List from 1; 0 is the document itself.
	Item int
}

// String names the place as errors do.
func (p Position) String() string {
	name := fmt.Sprintf("%s: document %d (line %d)", notACommand(oneline.Clean(p.File)), p.Document, p.Line)
	if p.Item > 0 {
		name += fmt.Sprintf(", item %d", p.Item)
	}
	return name
}

// Manifest is one object as it was written.
type Manifest struct {
	Place Position
	// Object is as decoded from JSON: whole numbers are int64.
	Object map[string]any
}

// kind returns the object's apiVersion and kind.
func (m Manifest) kind() (version, kind string) {
	return text(m.Object, "apiVersion"), text(m.Object, "kind")
}

// separator begins a new document of YAML; what follows it on its line is a comment at most.
var separator = regexp.MustCompile(`^---(\s.*)?$`)

// Read takes a file apart: documents of YAML or JSON, and the items of Lists. An error names the
// file and the document, and says what to do.
func Read(file string, content []byte) ([]Manifest, error) {
	documents, isJSON := splitJSON(content)
	if !isJSON {
		documents = splitYAML(content)
	}
	var all []Manifest
	number := 0
	for _, d := range documents {
		if d.empty() {
			continue
		}
		number++
		place := Position{File: file, Document: number, Line: d.line}
		found, err := d.manifests(place)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// document is the text of one, and the line of the file on which its first content stands.
type document struct {
	text string
	line int
}

func splitYAML(content []byte) []document {
	var all []document
	var lines []string
	start := 1
	end := func(next int) {
		for len(lines) > 0 && blank(lines[0]) {
			lines, start = lines[1:], start+1
		}
		all = append(all, document{text: strings.Join(lines, "\n"), line: start})
		lines, start = nil, next
	}
	for i, line := range strings.Split(string(content), "\n") {
		if separator.MatchString(strings.TrimSuffix(line, "\r")) {
			end(i + 2)
			continue
		}
		lines = append(lines, line)
	}
	end(0)
	return all
}

// splitJSON takes apart what is JSON as a whole, one object after the other. YAML may begin with a
// brace too.
func splitJSON(content []byte) (all []document, isJSON bool) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	for {
		rest := content[decoder.InputOffset():]
		start := len(content) - len(bytes.TrimLeft(rest, " \t\r\n"))
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return all, len(all) > 0
		}
		if err != nil {
			return nil, false
		}
		all = append(all, document{text: string(raw), line: 1 + bytes.Count(content[:start], []byte("\n"))})
	}
}

func blank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#")
}

// empty reports whether a document holds nothing but comments.
func (d document) empty() bool {
	for line := range strings.Lines(d.text) {
		if !blank(line) {
			return false
		}
	}
	return true
}

// manifests returns the document's objects.
func (d document) manifests(place Position) ([]Manifest, error) {
	encoded, err := yaml.YAMLToJSONStrict([]byte(d.text))
	if err != nil {
		return nil, fmt.Errorf("%s is no YAML: %s; %s", place, printable(err.Error()), expected)
	}
	var decoded any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(encoded, &decoded); err != nil {
		return nil, fmt.Errorf("%s cannot be decoded: %s; %s", place, printable(err.Error()), expected)
	}
	if decoded == nil {
		return nil, nil
	}
	object, isObject := decoded.(map[string]any)
	if !isObject {
		return nil, fmt.Errorf("%s is no object; %s", place, expected)
	}
	return Manifest{Place: place, Object: object}.flat()
}

// flat returns the manifest, or what it lists.
func (m Manifest) flat() ([]Manifest, error) {
	version, kind := m.kind()
	items, isList := m.Object["items"].([]any)
	switch {
	case strings.HasPrefix(version, "score.dev/"):
		return nil, fmt.Errorf("%s %w", m.Place, ErrScoreFile)
	case version == "" || kind == "":
		return nil, fmt.Errorf("%s has no apiVersion or no kind; %s", m.Place, expected)
	case !isList || !strings.HasSuffix(kind, "List"):
		return []Manifest{m}, nil
	}
	var all []Manifest
	for i, item := range items {
		place := m.Place
		place.Item = i + 1
		object, isObject := item.(map[string]any)
		if !isObject {
			return nil, fmt.Errorf("%s is no object; %s", place, expected)
		}
		listed := Manifest{Place: place, Object: object}
		if version, kind := listed.kind(); version == "" || kind == "" {
			return nil, fmt.Errorf("%s has no apiVersion or no kind; %s", place, expected)
		}
		all = append(all, listed)
	}
	return all, nil
}

// expected is what bad input should have been.
const expected = "expected manifests of Kubernetes in YAML or JSON, rendered, as score-k8s generate writes them"

func text(object map[string]any, keys ...string) string {
	var at any = object
	for _, key := range keys {
		fields, _ := at.(map[string]any)
		at = fields[key]
	}
	value, _ := at.(string)
	return value
}
