package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"

	"reprise.dev/reprise/effective"
)

// scoreFixtures holds what score-k8s wrote, and what a real API server said to
// it. It is not part of this repository.
const scoreFixtures = "../../shared/score"

// fixture is one entry of the fixtures' index.
type fixture struct {
	Name   string `json:"name"`
	Server struct {
		Verdict string   `json:"verdict"`
		Errors  []string `json:"errors"`
	} `json:"server"`
}

// ownFixtures lists the fixtures written for this project, without other people's.
func ownFixtures(t testing.TB) []fixture {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scoreFixtures, "index.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the Score fixtures (%s) are not here: what the real API server said cannot be compared", scoreFixtures)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all, own []fixture
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if strings.HasPrefix(f.Name, "tutorial/") || strings.HasPrefix(f.Name, "edge/") {
			own = append(own, f)
		}
	}
	return own
}

// deployments reads a fixture's Deployments, with quantities as the API server holds them.
func (f fixture) deployments(t testing.TB) []*appsv1.Deployment {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scoreFixtures, f.Name, "manifests.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var found []*appsv1.Deployment
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var document runtime.RawExtension
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatalf("reading %s: %v", f.Name, err)
		}
		deployment := &appsv1.Deployment{}
		if len(document.Raw) == 0 || json.Unmarshal(document.Raw, deployment) != nil || deployment.Kind != "Deployment" {
			continue
		}
		found = append(found, deployment)
	}
}

// requestFor returns a create request for a Deployment, as decoded from JSON.
func requestFor(t testing.TB, deployment *appsv1.Deployment) map[string]any {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"uid":       "0",
		"operation": "CREATE",
		"namespace": "default",
		"name":      deployment.Name,
		"object":    deployment,
	})
	if err != nil {
		t.Fatal(err)
	}
	return decodeRequest(t, text)
}

func decodeRequest(t testing.TB, text []byte) map[string]any {
	t.Helper()
	var request map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &request); err != nil {
		t.Fatal(err)
	}
	return request
}

// finalInput returns what the validating phase asks for a Deployment in an empty namespace.
func finalInput(t testing.TB, deployment *appsv1.Deployment) Input {
	t.Helper()
	return Input{
		Phase:     Final,
		Request:   requestFor(t, deployment),
		Effective: effective.Compute(&deployment.Spec.Template, effective.Namespace{Name: "default"}),
	}
}

// shippedEngine returns an engine with the built-in pack.
func shippedEngine(t testing.TB, extra ...Module) *Engine {
	t.Helper()
	modules, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return engineOf(t, append(modules, extra...)...)
}

// patient is what tests leave to rules: on a machine that is busy with others, a sound one may take
// long too.
var patient = Limits{Together: time.Second, Alone: time.Second / 2}

func engineOf(t testing.TB, modules ...Module) *Engine {
	t.Helper()
	engine, err := New(t.Context(), modules, patient, Overrides{})
	if err != nil {
		t.Fatalf("compiling: %v", err)
	}
	return engine
}
