package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"reprise.dev/reprise/check"
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
}

func (p *plugin) checkCommand() *cobra.Command {
	var o checkOptions
	command := &cobra.Command{
		Use:   "check -f FILE",
		Short: "Judge manifests as admission would, before they are applied",
		Long: `Judge the Score workloads among manifests as admission would, by the built-in policies and those of --policies.

Without a cluster, what only it knows is taken to allow: there is no LimitRange, quota or PodSecurity level but those of
--namespace-data or the manifests themselves, nothing of a quota is used unless its status says so, classes and
ServiceAccounts exist, ConfigMaps are not looked at, and no selector has changed. With --live the cluster is asked, with
your rights; what you may not read cannot be told. In neither case are the manifests changed by other admission plugins,
and the cluster's own ConfigMaps of policies are not read: name their folders by --policies.

Exit codes: 0 nothing is denied, 1 something is, 2 it cannot be told, or the input is bad.`,
		Example: `  # What would be refused of what was generated
  score-k8s generate score.yaml && kubectl reprise check -f manifests.yaml

  # With limits of the namespace and policies of your own, as annotations of GitHub
  kubectl reprise check -f manifests.yaml --namespace-data limits.yaml --policies policies/ -o github

  # Ask the cluster what is in the namespace
  kubectl kustomize . | kubectl reprise check -f - --live -n shop`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return p.check(command.Context(), o) },
	}
	flags := command.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "a file, a folder, or - for standard input; may be repeated")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "read folders with all that is in them")
	flags.StringArrayVarP(&o.policies, "policies", "p", nil, "a folder of Rego with its parameters.yaml, judged beside the built-in policies; may be repeated")
	flags.StringVar(&o.config, "config", "", "the install's configuration file, for its overrides and exemptions")
	flags.StringArrayVar(&o.namespaceData, "namespace-data", nil, "manifests of LimitRanges, ResourceQuotas, Namespaces, ServiceAccounts and classes; may be repeated")
	flags.StringArrayVar(&o.namespaceData, "limitrange", nil, "the same as --namespace-data")
	flags.BoolVar(&o.live, "live", false, "ask the cluster what is in the namespace and what runs, with your rights")
	var known []string
	for _, format := range check.Formats() {
		known = append(known, string(format))
	}
	outputFlag(command, &o.output, string(check.Human), fmt.Sprintf("one of %v", known), known)
	command.MarkFlagsMutuallyExclusive("live", "namespace-data")
	command.MarkFlagsMutuallyExclusive("live", "limitrange")
	_ = command.MarkFlagRequired("filename") // The flag exists.
	return command
}

func (p *plugin) check(ctx context.Context, o checkOptions) error {
	if !slices.Contains(check.Formats(), check.Format(o.output)) {
		return fmt.Errorf("--output %s is not known: expected one of %v", o.output, check.Formats())
	}
	read, err := manifests(o.files, o.recursive, p.In)
	if err != nil {
		return err
	}
	q := check.Options{Manifests: read, Now: time.Now()}
	if q.Engine, err = engine(ctx, o); err != nil {
		return err
	}
	if q.Namespaces, err = p.surroundings(o, read); err != nil {
		return err
	}
	if q.Namespace, _, err = p.config.ToRawKubeConfigLoader().Namespace(); err != nil {
		return fmt.Errorf("finding the namespace: %w", err)
	}
	report, err := check.Run(ctx, q)
	if err != nil {
		return err
	}
	if err := report.Write(p.Out, check.Format(o.output), colours(p.Out)); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if !o.live {
		fmt.Fprintln(p.ErrOut, "judged without a cluster: limits, quotas, classes and what runs are known only as given (--live asks the cluster)")
	}
	switch report.Decision() {
	case policy.Deny:
		return outcome(denied)
	case policy.Unknown:
		return outcome(cannotTell)
	default:
		return nil
	}
}

// engine compiles the built-in policies with those of the folders, under the install's terms.
func engine(ctx context.Context, o checkOptions) (*policy.Engine, error) {
	modules, err := policy.Builtin()
	if err != nil {
		return nil, err
	}
	for _, folder := range o.policies {
		own, err := policiesIn(folder)
		if err != nil {
			return nil, err
		}
		modules = append(modules, own...)
	}
	settings, err := config.Load(o.config)
	if err != nil {
		return nil, err
	}
	compiled, err := policy.New(ctx, modules, policy.DefaultLimits(), settings.Policies)
	if err != nil {
		return nil, err
	}
	if err := compiled.Unknown(); err != nil {
		return nil, fmt.Errorf("configuration %s: %w (name the folders of your own policies by --policies)", o.config, err)
	}
	return compiled, nil
}

// surroundings is what decides beside the manifests: the cluster, or what is given.
func (p *plugin) surroundings(o checkOptions, checked []check.Manifest) (check.Namespaces, error) {
	if o.live {
		return p.cluster()
	}
	told, err := manifests(o.namespaceData, o.recursive, p.In)
	if err != nil {
		return nil, err
	}
	return check.NewNamespaceData(told, checked)
}

// colours says whether a writer is a terminal that wants them (no-color.org).
func colours(w io.Writer) bool {
	file, isFile := w.(*os.File)
	_, unwanted := os.LookupEnv("NO_COLOR")
	return isFile && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != dumb && (!unwanted || os.Getenv("NO_COLOR") == "")
}
