package command

import (
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/api/v1alpha1"
)

// formats are those of tables; the empty one is for people.
var formats = []string{"", "wide", "json", "yaml", "name"}

// known refuses a format that there is none of.
func known(format string, of ...string) error {
	if !slices.Contains(of, format) {
		return fmt.Errorf("--output %s is not known: expected one of %v", format, of[1:])
	}
	return nil
}

// printData writes a value for tools.
func (p *plugin) printData(format string, value any) error {
	encoded, err := json.MarshalIndent(value, "", "    ")
	if err == nil && format == "yaml" {
		encoded, err = yaml.JSONToYAML(encoded)
	} else {
		encoded = append(encoded, '\n')
	}
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	_, err = p.Out.Write(encoded)
	return err
}

// printRevision writes one revision as kubectl get NAME would.
func (p *plugin) printRevision(format string, r *v1alpha1.WorkloadRevision) error {
	r.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("WorkloadRevision"))
	if format == "yaml" {
		return printed(&printers.YAMLPrinter{}, r, p)
	}
	return printed(&printers.JSONPrinter{}, r, p)
}

// printRevisions writes revisions as kubectl get would.
func (p *plugin) printRevisions(format string, revisions []v1alpha1.WorkloadRevision) error {
	list := &v1alpha1.WorkloadRevisionList{Items: revisions}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("WorkloadRevisionList"))
	for i := range list.Items {
		list.Items[i].SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("WorkloadRevision"))
	}
	switch format {
	case "name":
		for i := range list.Items {
			fmt.Fprintf(p.Out, "revision.%s/%s\n", v1alpha1.GroupVersion.Group, list.Items[i].Name)
		}
		return nil
	case "yaml":
		return printed(&printers.YAMLPrinter{}, list, p)
	default:
		return printed(&printers.JSONPrinter{}, list, p)
	}
}

func printed(printer printers.ResourcePrinter, object runtime.Object, p *plugin) error {
	return printer.PrintObj(object, p.Out)
}
