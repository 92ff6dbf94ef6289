package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/policy/regotest"
)

// testOptions are the flags of policy test.
type testOptions struct {
	run       regotest.Options
	recursive bool
	verbose   bool
	output    string
}

func (p *plugin) policyCommand() *cobra.Command {
	command := &cobra.Command{Use: "policy", Short: "Work with custom policies"}
	var o testOptions
	test := &cobra.Command{
		Use:   "test FOLDER...",
		Short: "Run the tests of custom policies",
		Long: `Run the tests of custom policies: the rules named test_… in files named *_test.rego. The tests run with the builtins of
Reprise; opa test does not know k8s.quantity. The policies must also load as in the cluster.

Warnings name the parts of the policies that have no effect. The output shows the print() of tests that fail, or of all with
--verbose.

Exit codes: 0 success, 1 a test fails, 2 error, or there are no tests.`,
		Example: `  # Run the tests of the policies in a folder
  kubectl reprise policy test policies/

  # Run some tests, and show what they print and which lines they do not run
  kubectl reprise policy test policies/ --run test_registry --verbose --coverage

  # Write a report for a CI system
  kubectl reprise policy test policies/ -o junit > policies.xml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, folders []string) error {
			return p.testPolicies(command.Context(), folders, o)
		},
	}
	flags := test.Flags()
	flags.StringVarP(&o.run.Match, "run", "r", "", "A regular expression: run only the tests whose names match it.")
	flags.BoolVar(&o.run.Coverage, "coverage", false, "If true, print which share of the rules the tests run, and the lines that they do not.")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "If true, read the Rego in subfolders too.")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "If true, show what all tests print.")
	outputFlag(test, &o.output, testsForPeople, fmt.Sprintf("Output format. One of %v.", testFormats()), testFormats())
	command.AddCommand(test)
	return command
}

func (p *plugin) testPolicies(ctx context.Context, folders []string, o testOptions) error {
	if !slices.Contains(testFormats(), o.output) {
		return fmt.Errorf("--output %s is not supported: expected one of %v", o.output, testFormats())
	}
	if _, err := regexp.Compile(o.run.Match); err != nil {
		return fmt.Errorf("reading --run: %w", err)
	}
	folders, err := expand(folders)
	if err != nil {
		return err
	}
	var all regotest.Report
	for _, folder := range folders {
		report, err := p.testFolder(ctx, folder, o)
		if err != nil {
			return err
		}
		if o.output == testsForPeople { // The results of a folder are shown as soon as it is done.
			if err := writeTests(p.Out, o.output, report, o.verbose); err != nil {
				return fmt.Errorf("writing the results: %w", err)
			}
		}
		all = all.And(report)
	}
	if o.output != testsForPeople {
		if err := writeTests(p.Out, o.output, all, o.verbose); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
	}
	if slices.ContainsFunc(all.Results, failed) {
		return exitCode(codeFailed)
	}
	return nil
}

// testFolder loads a folder's policies as they are loaded in the cluster, and runs their tests.
func (p *plugin) testFolder(ctx context.Context, folder string, o testOptions) (regotest.Report, error) {
	source, err := policiesIn(folder, o.recursive)
	if err != nil {
		return regotest.Report{}, err
	}
	engine, err := compile(ctx, source.Modules, policy.Overrides{})
	if err != nil {
		return regotest.Report{}, err
	}
	timeouts, err := engine.CheckTimeouts(ctx, source.Modules)
	if err = errors.Join(err, errors.Join(slices.Collect(maps.Values(timeouts))...)); err != nil {
		return regotest.Report{}, err
	}
	p.warn(append(source.Warnings, engine.Warnings()...))
	files, err := filesIn(folder, o.recursive, ".rego")
	if err != nil {
		return regotest.Report{}, err
	}
	texts, err := textsOf(files)
	if err != nil {
		return regotest.Report{}, err
	}
	return regotest.Run(ctx, texts, o.run)
}

// warn prints the warnings about policies.
func (p *plugin) warn(warnings []policy.Warning) {
	for _, w := range policy.LimitWarnings(warnings) {
		w.Problem, w.Fix = mask.Line(w.Problem), mask.Line(w.Fix)
		fmt.Fprintln(p.ErrOut, "warning:", w)
	}
}

// policiesIn reads a folder as a ConfigMap made of it would be read: kubectl create configmap
// --from-file=FOLDER. Of subfolders, it reads the Rego if asked.
func policiesIn(folder string, recursive bool) (policy.Source, error) {
	files, err := filesIn(folder, recursive, ".rego", ".yaml", ".yml", ".json")
	if err != nil {
		return policy.Source{}, err
	}
	texts, err := textsOf(files)
	if err != nil {
		return policy.Source{}, err
	}
	keys := map[string]string{}
	for file, text := range texts {
		key := filepath.Base(file)
		if below, err := filepath.Rel(folder, file); err == nil && filepath.Dir(below) != "." {
			if key = filepath.ToSlash(below); filepath.Ext(file) != ".rego" {
				continue
			}
		}
		keys[key] = text
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
