package command

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/cli/terminal"
)

// tableFormats are the formats of tables, beside the default.
var tableFormats = []string{terminal.Wide, terminal.JSON, terminal.YAML, terminal.Name}

// dataFormats are the formats of objects, beside the default.
var dataFormats = []string{terminal.JSON, terminal.YAML}

// tableOptions are the flags of commands that list something.
type tableOptions struct {
	output        string
	noHeaders     bool
	allNamespaces bool
	watch         bool
}

// tableFlags adds the flags of kubectl get.
func tableFlags(command *cobra.Command, o *tableOptions) {
	outputFlag(command, &o.output, terminal.Default, fmt.Sprintf("Output format. One of %v.", tableFormats), tableFormats)
	command.Flags().BoolVar(&o.noHeaders, "no-headers", false, "If true, don't print headers.")
}

// outputFlag adds the flag that names a format, which is completed.
func outputFlag(command *cobra.Command, into *string, initial, usage string, formats []string) {
	command.Flags().StringVarP(into, "output", "o", initial, usage)
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(slices.Clone(formats), cobra.ShellCompDirectiveNoFileComp)) // The flag exists.
}
