package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/check"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/policy"
)

// checkOptions are the flags of check.
type checkOptions struct {
	files         []string
	recursive     bool
	policies      []string
	config        string
	namespaceData []string
	live          bool
	output        string
	failOnWarn    bool
}

func (p *plugin) checkCommand() *cobra.Command {
	var o checkOptions
	command := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check manifests against the policies before you apply them",
		Long: `Check the Score workloads among manifests as admission would, against the built-in policies and those of --policies.

Without --live, the command assumes that the cluster allows what it cannot see. The only LimitRanges, quotas and PodSecurity
levels are those of --namespace-data and of the manifests themselves. A quota is unused unless its status says otherwise.
Classes and ServiceAccounts exist, and no selector has changed. The command does not check ConfigMaps.

With --live, the command reads the namespace from the cluster with your rights. Data that you may not read is unknown.

The command does not apply the changes of other admission plugins. It does not read policies from ConfigMaps in the cluster:
name their folders with --policies.

The output names each part of the policies that has no effect. The command does not validate manifests against the schema of
Kubernetes: use kubectl apply --dry-run=server for unknown fields and wrong values.

Exit codes: 0 success, 1 a workload is denied, or warned of with --fail-on-warn, 2 error, unknown or invalid input.`,
		Example: `  # Check what score-k8s generated
  score-k8s generate score.yaml && kubectl reprise check -f manifests.yaml

  # Check with limits of the namespace and custom policies, and print GitHub annotations
  kubectl reprise check -f manifests.yaml --namespace-data limits.yaml --policies policies/ -o github

  # Read the namespace from the cluster
  kubectl kustomize . | kubectl reprise check -f - --live -n shop`,
		RunE: func(command *cobra.Command, files []string) error {
			if o.files = append(o.files, files...); len(o.files) == 0 {
				return usageError(command, errors.New("name at least one file, folder or - for standard input"))
			}
			return p.check(command.Context(), o)
		},
	}
	flags := command.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "The file, the folder, or - for standard input. Can be repeated. Same as an argument.")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "If true, process folders recursively.")
	flags.StringArrayVarP(&o.policies, "policies", "p", nil, "A folder of Rego policies and their parameters.yaml, to check beside the built-in policies. Can be repeated.")
	flags.StringVar(&o.config, "config", "", "Reprise's configuration file, for its overrides and exemptions.")
	flags.StringArrayVar(&o.namespaceData, "namespace-data", nil, "Manifests of LimitRanges, ResourceQuotas, Namespaces, ServiceAccounts and classes. Can be repeated.")
	flags.StringArrayVar(&o.namespaceData, "limitrange", nil, "Same as --namespace-data.")
	flags.BoolVar(&o.live, "live", false, "If true, read the namespace and the live Deployments from the cluster, with your rights.")
	flags.BoolVar(&o.failOnWarn, "fail-on-warn", false, "If true, exit with 1 if a policy warns of a workload. Exemptions do not count.")
	var formats []string
	for _, format := range check.Formats() {
		formats = append(formats, string(format))
	}
	outputFlag(command, &o.output, string(check.Human), fmt.Sprintf("Output format. One of %v.", formats), formats)
	command.MarkFlagsMutuallyExclusive("live", "namespace-data")
	command.MarkFlagsMutuallyExclusive("live", "limitrange")
	return command
}

func (p *plugin) check(ctx context.Context, o checkOptions) error {
	if !slices.Contains(check.Formats(), check.Format(o.output)) {
		return fmt.Errorf("--output %s is not supported: expected one of %v", o.output, check.Formats())
	}
	read, err := manifests(o.files, o.recursive, p.In)
	if err != nil {
		return err
	}
	q := check.Options{Manifests: read, Now: time.Now()}
	if q.Engine, q.Warnings, err = engine(ctx, o); err != nil {
		return err
	}
	if q.Namespaces, err = p.namespaceData(o, read); err != nil {
		return err
	}
	if q.Namespace, _, err = p.config.ToRawKubeConfigLoader().Namespace(); err != nil {
		return fmt.Errorf("finding the namespace: %w", err)
	}
	report, err := check.Run(ctx, q)
	if err != nil {
		return err
	}
	if err := report.Write(p.Out, check.Format(o.output), terminal.Colors(p.Out)); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if !o.live {
		fmt.Fprintln(p.ErrOut, "checked without a cluster: limits, quotas, classes and live Deployments are known only as given (use --live to read them)")
	}
	fmt.Fprintln(p.ErrOut, "not validated against the schema of Kubernetes: use kubectl apply --dry-run=server for unknown fields and wrong values")
	switch report.Decision() {
	case policy.Deny:
		return exitCode(codeFailed)
	case policy.Unknown:
		return exitCode(codeUnknown)
	}
	if o.failOnWarn && report.HasWarnings() {
		return exitCode(codeFailed)
	}
	return nil
}

// engine compiles the built-in policies and those of the folders, with the overrides of the
// configuration. It returns what has no effect in them, too.
func engine(ctx context.Context, o checkOptions) (*policy.Engine, []policy.Warning, error) {
	modules, err := policy.Builtin()
	if err != nil {
		return nil, nil, err
	}
	var warnings []policy.Warning
	for _, folder := range o.policies {
		own, err := policiesIn(folder, false)
		if err != nil {
			return nil, nil, err
		}
		modules, warnings = append(modules, own.Modules...), append(warnings, own.Warnings...)
	}
	settings, err := config.Load(o.config)
	if err != nil {
		return nil, nil, err
	}
	compiled, err := compile(ctx, modules, settings.Policies)
	if err != nil {
		return nil, nil, err
	}
	if err := compiled.Unknown(); err != nil {
		return nil, nil, fmt.Errorf("configuration %s: %w (use --policies to name the folders of custom policies)", o.config, err)
	}
	return compiled, policy.LimitWarnings(append(warnings, compiled.Warnings()...)), nil
}

// namespaceData returns what decides beside the manifests: the cluster, or what is given.
func (p *plugin) namespaceData(o checkOptions, checked []check.Manifest) (check.Namespaces, error) {
	if o.live {
		config, err := p.config.ToRESTConfig()
		if err != nil {
			return nil, fmt.Errorf("--live needs a cluster: %w", err)
		}
		live, err := cluster.NewNamespaceData(config)
		if err != nil {
			return nil, fmt.Errorf("--live needs a cluster: %w", err)
		}
		return live, nil
	}
	given, err := manifests(o.namespaceData, o.recursive, p.In)
	if err != nil {
		return nil, err
	}
	return check.NewNamespaceData(given, checked)
}
