package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/story"
)

// completeWorkload offers the names of the namespace's workloads. A shell that waits for names is told no errors.
func (p *plugin) completeWorkload(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, err := p.connect()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, _ := c.names(command.Context(), c.namespace)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeRevision offers after the name of a workload the numbers of its revisions, with what they are.
func (p *plugin) completeRevision(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return p.completeWorkload(command, args, typed)
	}
	return p.numbers(command, args)
}

// completeNumber offers for a flag the numbers of the revisions of the workload that is named.
func (p *plugin) completeNumber(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.numbers(command, args)
}

func (p *plugin) numbers(command *cobra.Command, args []string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, err := p.connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	w, err := c.find(command.Context(), first(args))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var all []cobra.Completion
	for _, r := range w.History {
		all = append(all, cobra.CompletionWithDesc(strconv.FormatInt(r.Spec.Number, 10), story.Label(&r)))
	}
	return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
