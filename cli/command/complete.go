package command

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd/api"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/story"
)

// completionTimeout is how long a shell waits for names.
const completionTimeout = 3 * time.Second

// completion returns what a shell offers for a word.
type completion = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective)

// live returns a completion that reads from the cluster. It hides errors from the shell, and gives
// up on a cluster that does not answer.
func (p *plugin) live(names func(ctx context.Context, c *cluster.Connection, args []string, typed string) []cobra.Completion) completion {
	return func(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		c, err := p.connect()
		if err != nil {
			return nil, directive
		}
		ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
		defer cancel()
		return names(ctx, c, args, typed), directive
	}
}

// completeWorkload offers the names of the workloads, after the kind that was typed.
func (p *plugin) completeWorkload(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.live(workloadNames)(command, args, typed)
}

func workloadNames(ctx context.Context, c *cluster.Connection, args []string, typed string) []cobra.Completion {
	if len(args) > 0 {
		return nil
	}
	prefix := ""
	if kind, _, found := strings.Cut(typed, "/"); found && cluster.IsKind(kind) {
		prefix = kind + "/"
	}
	names, _ := cluster.NewWorkloads(c).Names(ctx, c.Namespace)
	for i := range names {
		names[i] = prefix + names[i]
	}
	return names
}

// completeRevision offers the numbers of a workload's revisions after its name, with a description.
func (p *plugin) completeRevision(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return p.completeWorkload(command, args, typed)
	}
	return p.completeNumber(command, args, typed)
}

// completeNumber offers the numbers of the revisions of the workload on the command line.
func (p *plugin) completeNumber(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.live(func(ctx context.Context, c *cluster.Connection, args []string, _ string) []cobra.Completion {
		w, err := p.find(ctx, c, first(args))
		if err != nil {
			return nil
		}
		var all []cobra.Completion
		for _, r := range w.History {
			all = append(all, cobra.CompletionWithDesc(strconv.FormatInt(r.Spec.Number, 10), story.Label(&r)))
		}
		return all
	})(command, args, typed)
}

// completeContainer offers the containers of the workload on the command line.
func (p *plugin) completeContainer(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.live(func(ctx context.Context, c *cluster.Connection, args []string, _ string) []cobra.Completion {
		w, err := p.find(ctx, c, first(args))
		if err != nil || w.Deployment == nil {
			return nil
		}
		return cluster.Containers(&w.Deployment.Spec.Template.Spec, "")
	})(command, args, typed)
}

// completeFlags completes the flags that all commands have, as kubectl does.
func (p *plugin) completeFlags(root *cobra.Command) {
	of := func(flag string, offers completion) { _ = root.RegisterFlagCompletionFunc(flag, offers) } // The flags exist.
	namespaces := p.live(func(ctx context.Context, c *cluster.Connection, _ []string, _ string) []cobra.Completion {
		var list corev1.NamespaceList
		if err := c.API.List(ctx, &list); err != nil {
			return nil
		}
		var names []cobra.Completion
		for _, namespace := range list.Items {
			names = append(names, namespace.Name)
		}
		return names
	})
	of("namespace", namespaces)
	of("reprise-namespace", namespaces)
	// The kubeconfig is read once the flags that name it are parsed.
	inKubeconfig := func(names func(api.Config) []string) completion {
		return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			config, err := p.config.ToRawKubeConfigLoader().RawConfig()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(config), cobra.ShellCompDirectiveNoFileComp
		}
	}
	of("context", inKubeconfig(func(c api.Config) []string { return slices.Sorted(maps.Keys(c.Contexts)) }))
	of("cluster", inKubeconfig(func(c api.Config) []string { return slices.Sorted(maps.Keys(c.Clusters)) }))
	of("user", inKubeconfig(func(c api.Config) []string { return slices.Sorted(maps.Keys(c.AuthInfos)) }))
}
