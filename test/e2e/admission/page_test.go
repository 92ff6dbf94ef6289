package admission

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/test/harness/product"
)

// pageFile is the page whose every snippet is run here.
const pageFile = "../../../docs/write-a-policy.md"

// block is a fenced block of the page, with the comment before it.
type block struct {
	// says is the comment: "file: NAME", "output", "denial", "values" or nothing.
	says     string
	language string
	text     string
}

var fence = regexp.MustCompile("(?ms)(?:^<!-- ([^\n]*) -->\n)?^```([a-z]+)\n(.*?)^```$")

// page is the page's text and its blocks.
func page(t *testing.T) (text string, blocks []block) {
	t.Helper()
	content, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range fence.FindAllStringSubmatch(string(content), -1) {
		blocks = append(blocks, block{says: match[1], language: match[2], text: match[3]})
	}
	if fences := bytes.Count(content, []byte("\n```")); 2*len(blocks) != fences {
		t.Fatalf("%d blocks are read of a page with %d fences", len(blocks), fences)
	}
	return string(content), blocks
}

// TestThePageLeadsFromAnIdeaToAnEnforcedRule runs the page from top to bottom: it writes its files,
// types its commands and compares what they print.
func TestThePageLeadsFromAnIdeaToAnEnforcedRule(t *testing.T) {
	p := newNamedPlace(t)
	_, blocks := page(t)
	reader := newShell(t)
	for i, b := range blocks {
		name, isFile := strings.CutPrefix(b.says, "file: ")
		if isFile {
			write(t, filepath.Join(reader.folder, name), b.text)
		}
		if b.language != "sh" {
			continue
		}
		next := block{}
		if i+1 < len(blocks) {
			next = blocks[i+1]
		}
		if next.says == "denial" {
			p.answers("default", cartOf(t, blocks), strings.TrimSpace(next.text)) // It is in force within a moment.
		}
		out, ok := reader.run(b.text)
		switch next.says {
		case "output":
			if !strings.HasPrefix(out, next.text) {
				t.Errorf("%s: output differs (-page +real):\n%s", b.text, cmp.Diff(next.text, out))
			}
		case "denial":
			if ok || !strings.Contains(out, strings.TrimSpace(next.text)) {
				t.Errorf("%s: want a failure with %q, not:\n%s", b.text, next.text, out)
			}
		default:
			if !ok {
				t.Errorf("%s: it fails:\n%s", b.text, out)
			}
		}
	}
	p.answers("default", cartOf(t, blocks), "") // The page takes its policy away again.
}

// shell is where the page's reader types.
type shell struct {
	folder string
	path   string
}

func newShell(t *testing.T) shell {
	t.Helper()
	binary, err := product.Build(t.Context(), os.Stderr, product.Plugin, "")
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	for name, path := range map[string]string{"kubectl": shared.KubectlCommand(t.Context()).Path, "kubectl-reprise": binary} {
		if err := os.Symlink(path, filepath.Join(tools, name)); err != nil {
			t.Fatal(err)
		}
	}
	return shell{folder: t.TempDir(), path: tools + ":" + os.Getenv("PATH")}
}

// run runs what is typed. What fails is told with its standard error.
func (s shell) run(script string) (out string, ok bool) {
	command := exec.Command("bash", "-eo", "pipefail", "-c", script)
	command.Dir = s.folder
	command.Env = append(os.Environ(), "PATH="+s.path, "KUBECONFIG="+shared.Kubeconfig())
	var printed, problems bytes.Buffer
	command.Stdout, command.Stderr = &printed, &problems
	if err := command.Run(); err != nil {
		return printed.String() + problems.String(), false
	}
	return printed.String(), true
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// cartOf is the Deployment of the page.
func cartOf(t *testing.T, blocks []block) *appsv1.Deployment {
	t.Helper()
	for _, b := range blocks {
		if b.says != "file: manifests.yaml" {
			continue
		}
		d := &appsv1.Deployment{}
		if err := yaml.UnmarshalStrict([]byte(b.text), d); err != nil {
			t.Fatal(err)
		}
		d.ObjectMeta = metav1.ObjectMeta{Name: d.Name, Annotations: d.Annotations}
		return d
	}
	t.Fatal("the page has no manifests.yaml")
	return nil
}

// TestThePagesOtherRulesDoWhatTheySay: each snippet of Rego by itself denies what it is about.
func TestThePagesOtherRulesDoWhatTheySay(t *testing.T) {
	_, blocks := page(t)
	judged := 0
	for _, b := range blocks {
		if b.language != "rego" || b.says != "" {
			continue
		}
		judged++
		engine, err := policy.New(t.Context(), []policy.Module{{
			File: "page.rego", Source: "page", Rego: b.text, Parameters: map[string]any{"repos": []any{"registry.example.com/"}},
		}}, policy.DefaultLimits(), policy.Overrides{})
		if err != nil {
			t.Errorf("%s: %v", b.text, err)
			continue
		}
		verdict := engine.Evaluate(t.Context(), inputOf(t, "docker.io/library/nginx", "3Gi"))
		if verdict.Decision != policy.Deny || len(verdict.Violations) != 1 {
			t.Errorf("%s: verdict %+v, want one denial", b.text, verdict)
		}
	}
	if judged < 3 {
		t.Errorf("%d rules were judged", judged)
	}
}

// TestThePagesValuesAreValid: the values are valid overrides of an install.
func TestThePagesValuesAreValid(t *testing.T) {
	_, blocks := page(t)
	for _, b := range blocks {
		if b.says != "values" {
			continue
		}
		settings, err := config.Parse([]byte(b.text))
		if err != nil || len(settings.Policies.Rules) != 2 || len(settings.Policies.Exemptions) != 1 {
			t.Errorf("settings %+v, %v", settings.Policies, err)
		}
		return
	}
	t.Error("the page has no values")
}

// TestThePageListsTheBuiltInPolicies: each with what its METADATA says.
func TestThePageListsTheBuiltInPolicies(t *testing.T) {
	text, _ := page(t)
	modules, err := policy.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules {
		name := strings.ReplaceAll(strings.TrimSuffix(module.File, ".rego"), "_", "-")
		enforcement, early := "off", "no"
		if rules := rulesOf(t, module, policy.Overrides{}); len(rules) > 0 {
			enforcement = string(rules[0].Enforcement)
		}
		rule := rulesOf(t, module, policy.Overrides{Rules: []policy.Override{{Policy: name, Enforcement: policy.EnforceWarn}}})[0]
		if rule.Early {
			early = "yes"
		}
		row := regexp.MustCompile(regexp.QuoteMeta("| `"+name+"` | "+enforcement+" | "+early+" | ") + "[^\n]*" + regexp.QuoteMeta(" | "+rule.Fix+" | "))
		if !row.MatchString(text) {
			t.Errorf("the page lacks a row of %s (%s, early %s, %q)", name, enforcement, early, rule.Fix)
		}
	}
}

func rulesOf(t *testing.T, module policy.Module, overrides policy.Overrides) []policy.Rule {
	t.Helper()
	engine, err := policy.New(t.Context(), []policy.Module{module}, policy.DefaultLimits(), overrides)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Rules(policy.Final)
}

// inputOf is a Deployment with one container of an image and a memory limit.
func inputOf(t *testing.T, image, limit string) policy.Input {
	t.Helper()
	d := acceptable("snippet", func(d *appsv1.Deployment) {
		d.APIVersion, d.Kind = "apps/v1", "Deployment"
		c := &d.Spec.Template.Spec.Containers[0]
		c.Image, c.Resources.Limits = image, corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
	})
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Input{
		Phase: policy.Final, Request: map[string]any{"operation": "CREATE", "namespace": "shop", "object": object},
		Effective: effective.Compute(&d.Spec.Template, effective.Namespace{Name: "shop"}),
	}
}
