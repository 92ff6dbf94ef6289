package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/version"
	"reprise.dev/reprise/story"
)

func (p *plugin) versionCommand() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "version",
		Short: "Show the versions of the plugin, of Reprise and of the cluster, and whether they fit",
		Long: `Show the versions of the plugin, of the Reprise that runs, of the cluster, and of the Revisions that it serves, and say
where they do not fit and what to do.

Exit codes: 0 they fit, 1 they do not, 2 it cannot be told.`,
		Example: `  # Which versions there are, and whether they fit
  kubectl reprise version`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := known(output, "", "json", "yaml"); err != nil {
				return err
			}
			return p.version(command.Context(), output)
		},
	}
	outputFlag(command, &output, "", "json or yaml, or nothing: for people", []string{"json", "yaml"})
	return command
}

func (p *plugin) version(ctx context.Context, output string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	asked, err := discovery.NewDiscoveryClientForConfig(c.rest)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	server, err := asked.ServerVersion()
	if err != nil {
		return explain(err, c.namespace)
	}
	served, err := asked.ServerGroups()
	if err != nil && !apierrors.IsForbidden(err) {
		return explain(err, c.namespace)
	}
	v := story.Versions{Plugin: version.String(), Cluster: server.GitVersion, Known: v1alpha1.GroupVersion.Version, Install: p.install}
	if lease := p.lease(ctx, c); lease != nil {
		v.Reprise = lease.Labels[version.Label]
	}
	if served != nil {
		for _, group := range served.Groups {
			if group.Name != v1alpha1.GroupVersion.Group {
				continue
			}
			for _, each := range group.Versions {
				v.Revisions = append(v.Revisions, each.Version)
			}
		}
	}
	if output != "" {
		err = p.printData(output, v)
	} else {
		_, err = fmt.Fprint(p.Out, v.Page())
		p.warnOfSilence(ctx, c)
	}
	if err == nil && v.Incompatibility() != "" {
		return outcome(failed)
	}
	return err
}
