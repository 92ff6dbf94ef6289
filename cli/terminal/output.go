package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/internal/mask"
)

// The formats of output. Default is for people.
const (
	Default = ""
	Wide    = "wide"
	JSON    = "json"
	YAML    = "yaml"
	Name    = "name"
)

// CheckFormat returns an error where a format is not one of those allowed. Default always is.
func CheckFormat(format string, allowed ...string) error {
	if format != Default && !slices.Contains(allowed, format) {
		return fmt.Errorf("--output %s is not supported: expected one of %v", format, allowed)
	}
	return nil
}

// WriteData writes a value as YAML or JSON.
func WriteData(w io.Writer, format string, value any) error {
	encoded, err := json.MarshalIndent(value, "", "    ")
	if err == nil && format == YAML {
		encoded, err = yaml.JSONToYAML(encoded)
	} else {
		encoded = append(encoded, '\n')
	}
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	_, err = w.Write(encoded)
	return err
}

// WriteObject writes a Kubernetes object as YAML or JSON, as kubectl get does.
func WriteObject(w io.Writer, format string, object runtime.Object) error {
	if format == YAML {
		return (&printers.YAMLPrinter{}).PrintObj(object, w)
	}
	return (&printers.JSONPrinter{}).PrintObj(object, w)
}

// WriteLogLine writes a line of a container's log with its source, as kubectl logs --prefix does,
// but without credentials and without what controls a terminal.
func WriteLogLine(w io.Writer, pod, container string, text []byte) error {
	_, err := fmt.Fprintf(w, "[pod/%s/%s] %s\n", pod, container, mask.Text(strings.TrimSuffix(string(text), "\n")))
	return err
}
