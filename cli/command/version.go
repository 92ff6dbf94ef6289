package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
)

func (p *plugin) versionCommand() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the plugin, of Reprise and of the cluster",
		Long: `Print the versions of the plugin, of the Reprise in the cluster, of the cluster, and of the WorkloadRevisions that it
serves. If they are not compatible, print what to do.

Exit codes: 0 the versions are compatible, 1 they are not, 2 error or unknown.`,
		Example: `  # Print the versions and check that they are compatible
  kubectl reprise version`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := terminal.CheckFormat(output, dataFormats...); err != nil {
				return err
			}
			return p.version(command.Context(), output)
		},
	}
	outputFlag(command, &output, terminal.Default, fmt.Sprintf("Output format. One of %v.", dataFormats), dataFormats)
	return command
}

func (p *plugin) version(ctx context.Context, output string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	v, err := cluster.Versions(ctx, c, p.install)
	if err != nil {
		return err
	}
	if output != terminal.Default {
		err = terminal.WriteData(p.Out, output, v)
	} else {
		_, err = fmt.Fprint(p.Out, v.Page())
		p.warnNotRunning(ctx, c)
	}
	if err == nil && v.Incompatibility() != "" {
		return exitCode(codeFailed)
	}
	return err
}
