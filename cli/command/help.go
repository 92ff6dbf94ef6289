package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usage is kubectl's order (k8s.io/kubectl/pkg/util/templates): examples, options, how to call it. The options that every
// command has are listed by a command of their own.
const usage = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}{{if .HasAvailableSubCommands}}{{$commands := .Commands}}{{range $group := .Groups}}{{.Title}}
{{range $commands}}{{if and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help"))}}  {{rpad .Name .NamePadding}} {{.Short}}
{{end}}{{end}}
{{end}}{{if not .AllChildCommandsHaveGroup}}Commands:
{{range $commands}}{{if and (eq .GroupID "") .IsAvailableCommand}}  {{rpad .Name .NamePadding}} {{.Short}}
{{end}}{{end}}
{{end}}{{end}}{{if and .HasParent .HasAvailableLocalFlags}}Options:
{{options .LocalFlags.FlagUsages}}

{{end}}Usage:
  {{if .Runnable}}{{.UseLine}}{{else}}{{.CommandPath}} COMMAND [options]{{end}}
{{if .HasAvailableSubCommands}}
Use "{{.CommandPath}} COMMAND --help" for more about a command.{{end}}
Use "{{.Root.DisplayName}} options" for the options that all commands have.
`

// likeKubectl has help, and errors about how a command was called, look as kubectl's do.
func likeKubectl(root *cobra.Command) {
	cobra.AddTemplateFunc("options", options)
	root.SetUsageTemplate(usage)
	root.SetHelpTemplate("{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}\n\n{{end}}{{.UsageString}}")
	root.SetFlagErrorFunc(called)
	for _, command := range append(root.Commands(), nested(root)...) {
		command.DisableFlagsInUseLine = true
		if !command.HasSubCommands() && command.Name() != "options" {
			command.Use += " [options]"
		}
		if args := command.Args; args != nil {
			command.Args = func(c *cobra.Command, given []string) error { return called(c, args(c, given)) }
		}
	}
}

// nested are the commands below the root's own.
func nested(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, command := range root.Commands() {
		all = append(all, command.Commands()...)
	}
	return all
}

// called adds to an error about how a command was called where its usage stands.
func called(command *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\nSee '%s --help' for usage and examples", err, command.CommandPath())
}

// options leaves out of a list of flags that one may be given a value which nobody types.
func options(list string) string {
	const value = "[=true|false]"
	return strings.TrimRight(strings.ReplaceAll(list, value, strings.Repeat(" ", len(value))), "\n")
}

// optionsCommand lists the options that every command has.
func optionsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "options", Short: "List the options that all commands have", Args: cobra.NoArgs,
		Long: `List the options that all commands have: which cluster, which namespace, and as whom.

Exit codes: 0 they are listed.`,
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(command.OutOrStdout(), "The following options can be given to any command:\n\n%s\n", options(command.Root().PersistentFlags().FlagUsages()))
			return err
		},
	}
}
