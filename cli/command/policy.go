package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/policy/regotest"
)

func (p *plugin) policyCommand() *cobra.Command {
	command := &cobra.Command{Use: "policy", Short: "Work with custom policies"}
	command.AddCommand(&cobra.Command{
		Use:   "test FOLDER...",
		Short: "Run the tests of custom policies",
		Long: `Run the tests of custom policies: the rules named test_… in files named *_test.rego. The tests run with the builtins of
Reprise; opa test does not know k8s.quantity. The policies must also load as in the cluster.

Exit codes: 0 success, 1 a test fails, 2 error, or there are no tests.`,
		Example: `  # Run the tests of the policies in a folder
  kubectl reprise policy test policies/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, folders []string) error {
			return p.testPolicies(command.Context(), folders)
		},
	})
	return command
}

func (p *plugin) testPolicies(ctx context.Context, folders []string) error {
	failed := 0
	for _, folder := range folders {
		results, err := p.testFolder(ctx, folder)
		if err != nil {
			return err
		}
		for _, r := range results {
			fmt.Fprintf(p.Out, "%-5s %s:%d %s\n", r.Outcome, r.File, r.Line, r.Name)
			if r.Detail != "" {
				fmt.Fprintf(p.Out, "      %s\n", r.Detail)
			}
			if r.Outcome == regotest.Fail || r.Outcome == regotest.Error {
				failed++
			}
		}
	}
	if failed > 0 {
		return exitCode(codeFailed)
	}
	return nil
}

// testFolder loads a folder's policies as they are loaded in the cluster, and runs their tests.
func (p *plugin) testFolder(ctx context.Context, folder string) ([]regotest.Result, error) {
	source, err := policiesIn(folder)
	if err != nil {
		return nil, err
	}
	engine, err := policy.New(ctx, source.Modules, policy.DefaultLimits(), policy.Overrides{})
	if err != nil {
		return nil, err
	}
	timeouts, err := engine.CheckTimeouts(ctx, source.Modules)
	if err = errors.Join(err, errors.Join(slices.Collect(maps.Values(timeouts))...)); err != nil {
		return nil, err
	}
	p.warn(append(source.Warnings, engine.Warnings()...))
	files, err := filesIn(folder, false, ".rego")
	if err != nil {
		return nil, err
	}
	texts, err := textsOf(files)
	if err != nil {
		return nil, err
	}
	return regotest.Run(ctx, texts)
}

// warn prints the warnings about policies.
func (p *plugin) warn(warnings []policy.Warning) {
	for _, w := range policy.LimitWarnings(warnings) {
		w.Problem, w.Fix = mask.Line(w.Problem), mask.Line(w.Fix)
		fmt.Fprintln(p.ErrOut, "warning:", w)
	}
}

// policiesIn reads a folder as a ConfigMap made of it would be read: kubectl create configmap
// --from-file=FOLDER.
func policiesIn(folder string) (policy.Source, error) {
	files, err := filesIn(folder, false, ".rego", ".yaml", ".yml", ".json")
	if err != nil {
		return policy.Source{}, err
	}
	texts, err := textsOf(files)
	if err != nil {
		return policy.Source{}, err
	}
	keys := map[string]string{}
	for file, text := range texts {
		keys[filepath.Base(file)] = text
	}
	return policy.ParseSource(filepath.Clean(folder), keys)
}

func textsOf(files []string) (map[string]string, error) {
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading policies: %w", err)
		}
		texts[file] = string(text)
	}
	return texts, nil
}
