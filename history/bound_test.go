package history

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/api/v1alpha1"
)

// schema is what the CustomResourceDefinition says of a field.
type schema struct {
	Properties                               map[string]schema
	Items                                    *schema
	Required, Enum                           []string
	MinLength, MaxLength, MinItems, MaxItems *int
	Minimum                                  *float64
}

// wrong lists how a value does not fit a schema.
func (s schema) wrong(at string, value any) (problems []string) {
	say := func(format string, values ...any) { problems = append(problems, at+" "+fmt.Sprintf(format, values...)) }
	switch v := value.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, found := v[name]; !found {
				say("lacks %s", name)
			}
		}
		for name, field := range v {
			problems = append(problems, s.Properties[name].wrong(at+"."+name, field)...)
		}
	case []any:
		if s.MaxItems != nil && len(v) > *s.MaxItems || s.MinItems != nil && len(v) < *s.MinItems {
			say("has %d items", len(v))
		}
		for _, item := range v {
			problems = append(problems, s.Items.wrong(at+"[]", item)...)
		}
	case string:
		n := utf8.RuneCountInString(v)
		if s.MaxLength != nil && n > *s.MaxLength || s.MinLength != nil && n < *s.MinLength {
			say("has %d characters", n)
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			say("is %q", v)
		}
	case float64:
		if s.Minimum != nil && v < *s.Minimum {
			say("is %g", v)
		}
	}
	return problems
}

func definition(t *testing.T) schema {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "charts", "reprise", "templates", "reprise.dev_workloadrevisions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema schema }
			}
		}
	}
	if err := yaml.Unmarshal(file, &crd); err != nil {
		t.Fatal(err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// endless is a revision everything of which that can grow has grown too far.
func endless() *v1alpha1.WorkloadRevision {
	long := strings.Repeat("ä", 9_000)
	many := func(n int) (all []string) {
		for range n {
			all = append(all, long, "")
		}
		return all
	}
	r := &v1alpha1.WorkloadRevision{Spec: v1alpha1.WorkloadRevisionSpec{
		Number: 1, WorkloadRef: v1alpha1.WorkloadReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "a", UID: "u"},
		IntentHash: "v1:a", TemplateHash: "v1:b", AcceptedTime: metav1.NewTime(now), ChangeScope: v1alpha1.ChangeInitial,
		ResourceVersion: long, Images: long, ChangeSummary: long, FieldManager: long, DeliveredBy: long, ChangeCause: long,
		Snapshot: v1alpha1.Snapshot{Encoding: encoding, Data: "e30="},
	}}
	for i := range 600 {
		f := v1alpha1.RevisionFile{ConfigMapName: fmt.Sprint("f", i), State: v1alpha1.FileKept}
		for range 200 - i {
			f.Mounts = append(f.Mounts, v1alpha1.FileMount{ContainerName: "main", Path: "/" + strings.Repeat("a", max(0, 5000-100*i))})
		}
		r.Spec.Files = append(r.Spec.Files, f)
	}
	r.Spec.Files[7].ConfigMapName = long
	failure := v1alpha1.Failure{Reason: v1alpha1.FailureWorkloadFailed, Message: long, Changes: many(50)}
	for i := range 40 {
		failure.ConfigMaps = append(failure.ConfigMaps, v1alpha1.ConfigMapDigest{Name: fmt.Sprint("c", i) + strings.Repeat("a", 200*(i%3))})
		failure.Evidence = append(failure.Evidence, v1alpha1.Evidence{
			PodName: "p", Reason: long, Message: long, Log: many(2), PreviousLog: many(50), Events: many(50),
		})
	}
	MarkFailed(&r.Status, failure, now)
	HoldRollback(&r.Status, v1alpha1.HoldCannotRun, long, now)
	for i := range 40 {
		AnswerRequest(&r.Status, BoundRequest(fmt.Sprint("a", i), long), v1alpha1.RequestRejected, long, now)
	}
	return r
}

func TestBound_LeavesNothingThatTheAPIServerRejects(t *testing.T) {
	wrong := func(r *v1alpha1.WorkloadRevision) []string {
		encoded, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(encoded, &value); err != nil {
			t.Fatal(err)
		}
		return definition(t).wrong("", value)
	}
	r := endless()
	if before := wrong(r); len(before) < 10 {
		t.Fatalf("the test finds too little before it is cut: %q", before)
	}
	Bound(r)
	if after := wrong(r); len(after) > 0 {
		t.Errorf("too long still: %q", after)
	}
	if n := size(r.Status.Failure.Evidence); n > maxEvidenceBytes || len(r.Status.Failure.Evidence) == 0 {
		t.Errorf("%d bytes of evidence of %d containers", n, len(r.Status.Failure.Evidence))
	}
	if got := r.Status.Requests[len(r.Status.Requests)-1].Request; !strings.HasPrefix(got, "a39=") {
		t.Errorf("the newest request is not kept, but %.10q", got)
	}
	if encoded, _ := json.Marshal(r.Status); len(encoded) > etcdRequest-maxRevision {
		t.Errorf("a status of %d bytes, for which %d are left", len(encoded), etcdRequest-maxRevision)
	}
}

// TestBound_HidesCredentials fills each text of a revision with a credential and with what
// controls a terminal, and finds none of it in what would be stored.
func TestBound_HidesCredentials(t *testing.T) {
	const hostile = "a\x1b[31m pass\u200bword\x00=Hunter2leakZq9\n\u202e::x"
	r := &v1alpha1.WorkloadRevision{
		Spec: v1alpha1.WorkloadRevisionSpec{
			FieldManager: hostile, Images: hostile, ChangeSummary: hostile, DeliveredBy: hostile, ChangeCause: hostile,
		},
		Status: v1alpha1.WorkloadRevisionStatus{
			Conditions: []metav1.Condition{{Message: hostile}}, Requests: []v1alpha1.Request{{Request: BoundRequest("a", hostile), Message: hostile}},
			Failure: &v1alpha1.Failure{
				Message: hostile, Changes: []string{hostile},
				Evidence: []v1alpha1.Evidence{{
					Reason: hostile, Message: hostile, Log: []string{hostile}, PreviousLog: []string{hostile}, Events: []string{hostile},
				}},
			},
		},
	}
	Bound(r)
	stored, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Hunter2leakZq9", `\u001b`, `\u0000`, "\u202e", "\u200b"} {
		if strings.Contains(string(stored), part) {
			t.Errorf("%q is stored in %s", part, stored)
		}
	}
	if !strings.Contains(r.Spec.ChangeCause, "password=***") {
		t.Errorf("the change cause is %q", r.Spec.ChangeCause)
	}
	again := r.DeepCopy()
	Bound(again)
	if d := cmp.Diff(r, again); d != "" {
		t.Errorf("a second time changes it: %s", d)
	}
}
