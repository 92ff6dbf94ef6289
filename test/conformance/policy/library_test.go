package policy

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/policy"
)

// example is an object that a constraint allows or not.
type example struct {
	template, constraint, object string
	denied                       bool
}

// suite is what the comparison reads of a Suite of gator.
type suite struct {
	Tests []struct {
		Template   string `json:"template"`
		Constraint string `json:"constraint"`
		Cases      []struct {
			Object     string `json:"object"`
			Inventory  []any  `json:"inventory"`
			Assertions []struct {
				Violations any `json:"violations"`
			} `json:"assertions"`
		} `json:"cases"`
	} `json:"tests"`
}

// examples returns those of a library: the cases of suite.yaml, or else samples/*/example_*.yaml
// beside a constraint.yaml.
func examples(t *testing.T, library string) []example {
	t.Helper()
	var all []example
	err := filepath.WalkDir(library, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "template.yaml" {
			return err
		}
		folder := filepath.Dir(file)
		if content, err := os.ReadFile(filepath.Join(folder, "suite.yaml")); err == nil {
			return fromSuite(folder, content, &all)
		}
		objects, err := filepath.Glob(filepath.Join(folder, "samples", "*", "example_*.yaml"))
		for _, object := range objects {
			all = append(all, example{
				template: file, constraint: filepath.Join(filepath.Dir(object), "constraint.yaml"), object: object,
				denied: strings.HasPrefix(filepath.Base(object), "example_disallowed"),
			})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func fromSuite(folder string, content []byte, all *[]example) error {
	var s suite
	if err := yaml.Unmarshal(content, &s); err != nil {
		return fmt.Errorf("reading suite.yaml in %s: %w", folder, err)
	}
	for _, test := range s.Tests {
		for _, c := range test.Cases {
			if len(c.Inventory) > 0 {
				continue // Policies of Reprise see no other objects.
			}
			e := example{template: filepath.Join(folder, test.Template), constraint: filepath.Join(folder, test.Constraint), object: filepath.Join(folder, c.Object)}
			for _, assertion := range c.Assertions {
				none := slices.Contains([]any{"no", false, float64(0)}, assertion.Violations)
				e.denied = e.denied || !none
			}
			*all = append(*all, e)
		}
	}
	return nil
}

// result is what a comparison comes to.
type result struct{ agree, falselyAllowed, falselyDenied, otherKind, notLoaded int }

// compare evaluates all examples, and logs each one on which Reprise differs from the library.
func compare(t *testing.T, all []example) result {
	t.Helper()
	var r result
	for _, e := range all {
		d, err := deployment(e.object)
		if err != nil {
			t.Fatal(err)
		}
		if d == nil {
			r.otherKind++
			continue
		}
		verdict, err := evaluate(t, e, d)
		switch denied := verdict.Decision == policy.Deny; {
		case err != nil:
			r.notLoaded++
			t.Logf("%s: not loaded: %v", e.constraint, err)
		case denied == e.denied && len(verdict.Errors) == 0:
			r.agree++
		case e.denied:
			r.falselyAllowed++
			t.Logf("%s: falsely allowed: %+v", e.object, verdict.Errors)
		default:
			r.falselyDenied++
			t.Logf("%s: falsely denied: %+v", e.object, verdict)
		}
	}
	return r
}

func evaluate(t *testing.T, e example, d *appsv1.Deployment) (policy.Verdict, error) {
	t.Helper()
	files := map[string]string{}
	for _, file := range []string{e.template, e.constraint} {
		content, err := os.ReadFile(file)
		if err != nil {
			return policy.Verdict{}, err
		}
		files[filepath.Base(file)] = string(content)
	}
	source, err := policy.ParseSource("library", files)
	if err != nil {
		return policy.Verdict{}, err
	}
	engine, err := policy.New(t.Context(), source.Modules, policy.DefaultLimits(), policy.Overrides{})
	if err != nil {
		return policy.Verdict{}, err
	}
	for _, w := range engine.Warnings() {
		t.Logf("warning: %s", w)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		return policy.Verdict{}, err
	}
	return engine.Evaluate(t.Context(), policy.Input{
		Phase: policy.Final, Request: policy.Request(d.Namespace, d.Name, object, nil),
		Effective: effective.Compute(&d.Spec.Template, effective.Namespace{Name: d.Namespace}),
	}), nil
}

// deployment reads an example: a Deployment, or a Pod as the template of one. It returns nil for
// any other kind.
func deployment(file string) (*appsv1.Deployment, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := &appsv1.Deployment{}
	if err := yaml.Unmarshal(content, d); err != nil {
		return nil, nil // It is of another kind, which has other fields.
	}
	switch d.Kind {
	case "Deployment":
	case "Pod":
		pod := &corev1.Pod{}
		if err := yaml.Unmarshal(content, pod); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		labels, annotations := pod.Labels, pod.Annotations
		d = &appsv1.Deployment{TypeMeta: d.TypeMeta, ObjectMeta: pod.ObjectMeta}
		d.APIVersion, d.Kind = "apps/v1", "Deployment"
		d.Spec.Template.Labels, d.Spec.Template.Annotations, d.Spec.Template.Spec = labels, annotations, pod.Spec
	default:
		return nil, nil
	}
	if d.Namespace == "" {
		d.Namespace = "default"
	}
	return d, nil
}

func TestParseSource_libraryOfOurOwn(t *testing.T) {
	own := examples(t, "testdata")
	if got, want := compare(t, own), (result{agree: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for i := range own {
		own[i].denied = !own[i].denied
	}
	if got, want := compare(t, own), (result{falselyAllowed: 2, falselyDenied: 2}); got != want {
		t.Errorf("with the opposite examples: %+v, want %+v", got, want)
	}
}

// TestParseSource_library prints how Reprise compares with a library. It fails only if there is
// nothing to compare.
func TestParseSource_library(t *testing.T) {
	library := os.Getenv("POLICY_LIBRARY")
	if library == "" {
		t.Skip("POLICY_LIBRARY names no library")
	}
	r := compare(t, examples(t, library))
	fmt.Printf("agree %d, falsely allowed %d, falsely denied %d, not loaded %d, other kinds %d\n", r.agree, r.falselyAllowed, r.falselyDenied, r.notLoaded, r.otherKind)
	if r.agree+r.falselyAllowed+r.falselyDenied == 0 {
		t.Errorf("%s has no example of a Pod or a Deployment", library)
	}
}
