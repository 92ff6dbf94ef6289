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

	"reprise.dev/reprise/story"
)

// patience is how long a shell waits for names.
const patience = 3 * time.Second

// offer is what a shell is offered for a word.
type offer = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective)

// live makes an offer of what is asked of the cluster. A shell that waits for names is told no errors, and not left
// waiting for a cluster that does not answer.
func (p *plugin) live(names func(ctx context.Context, c *connection, args []string, typed string) []cobra.Completion) offer {
	return func(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		c, err := p.connect()
		if err != nil {
			return nil, directive
		}
		ctx, cancel := context.WithTimeout(command.Context(), patience)
		defer cancel()
		return names(ctx, c, args, typed), directive
	}
}

// completeWorkload offers the names of the namespace's workloads, with the kind that is typed before them.
func (p *plugin) completeWorkload(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.live(workloads)(command, args, typed)
}

func workloads(ctx context.Context, c *connection, args []string, typed string) []cobra.Completion {
	if len(args) > 0 {
		return nil
	}
	prefix := ""
	if kind, _, found := strings.Cut(typed, "/"); found && slices.Contains(kinds, kind) {
		prefix = kind + "/"
	}
	names, _ := c.names(ctx, c.namespace)
	for i := range names {
		names[i] = prefix + names[i]
	}
	return names
}

// completeRevision offers after the name of a workload the numbers of its revisions, with what they are.
func (p *plugin) completeRevision(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return p.completeWorkload(command, args, typed)
	}
	return p.completeNumber(command, args, typed)
}

// completeNumber offers for a flag the numbers of the revisions of the workload that is named.
func (p *plugin) completeNumber(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.live(func(ctx context.Context, c *connection, args []string, _ string) []cobra.Completion {
		w, err := c.find(ctx, first(args))
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

// completeContainer offers the containers of the workload that is named.
func (p *plugin) completeContainer(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.live(func(ctx context.Context, c *connection, args []string, _ string) []cobra.Completion {
		w, err := c.find(ctx, first(args))
		if err != nil || w.Deployment == nil {
			return nil
		}
		return containersOf(&corev1.Pod{Spec: w.Deployment.Spec.Template.Spec}, "")
	})(command, args, typed)
}

// completeFlags offers for the flags that every command has what kubectl offers.
func (p *plugin) completeFlags(root *cobra.Command) {
	of := func(flag string, offers offer) { _ = root.RegisterFlagCompletionFunc(flag, offers) } // The flags exist.
	namespaces := p.live(func(ctx context.Context, c *connection, _ []string, _ string) []cobra.Completion {
		var list corev1.NamespaceList
		if err := c.api.List(ctx, &list); err != nil {
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
	inKubeconfig := func(names func(api.Config) []string) offer {
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

// outputFlag is the flag that names a format, which is completed.
func outputFlag(command *cobra.Command, into *string, initial, says string, of []string) {
	command.Flags().StringVarP(into, "output", "o", initial, says)
	of = slices.DeleteFunc(slices.Clone(of), func(format string) bool { return format == "" })
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(of, cobra.ShellCompDirectiveNoFileComp)) // The flag exists.
}
