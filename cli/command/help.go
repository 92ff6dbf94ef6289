package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usage is kubectl's order (k8s.io/kubectl/pkg/util/templates): examples, options, how to call it.
// The options that every command has are listed by a command of their own.
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
Use "{{.CommandPath}} COMMAND --help" for more information about a given command.{{end}}
Use "{{.Root.DisplayName}} options" for a list of global command-line options (applies to all commands).
`

// likeKubectl gives help and usage errors the form of kubectl's.
func likeKubectl(root *cobra.Command) {
	cobra.AddTemplateFunc("options", options)
	root.SetUsageTemplate(usage)
	root.SetHelpTemplate("{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}\n\n{{end}}{{.UsageString}}")
	root.SetFlagErrorFunc(usageError)
	for _, command := range append(root.Commands(), nested(root)...) {
		command.DisableFlagsInUseLine = true
		if !command.HasSubCommands() && command.Name() != "options" {
			command.Use += " [options]"
		}
		if args := command.Args; args != nil {
			command.Args = func(c *cobra.Command, given []string) error { return usageError(c, args(c, given)) }
		}
	}
}

// nested returns the commands below the root's own.
func nested(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, command := range root.Commands() {
		all = append(all, command.Commands()...)
	}
	return all
}

// usageError adds to an error of the arguments where the usage is shown.
func usageError(command *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\nSee '%s --help' for usage and examples", err, command.CommandPath())
}

// options returns a list of flags without the values that pflag shows for some booleans.
func options(list string) string {
	const value = "[=true|false]"
	return strings.TrimRight(strings.ReplaceAll(list, value, strings.Repeat(" ", len(value))), "\n")
}

// optionsCommand prints the options that all commands have.
func optionsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "options", Short: "Print the options that all commands have", Args: cobra.NoArgs,
		Long: `Print the options that all commands have. They select the cluster, the namespace and the user.

Exit codes: 0 success.`,
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(command.OutOrStdout(), "The following options can be passed to any command:\n\n%s\n", options(command.Root().PersistentFlags().FlagUsages()))
			return err
		},
	}
}
