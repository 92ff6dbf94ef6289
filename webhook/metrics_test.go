package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// observed keeps what the handlers count, a line each; how long things took is left out.
type observed struct {
	mu    sync.Mutex
	lines []string
}

func (o *observed) note(parts ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, strings.TrimSpace(fmt.Sprintln(parts...)))
}

func (o *observed) Admitted(decision, operation string, dryRun bool) {
	o.note("admitted", decision, operation, dryRun)
}
func (o *observed) Answered(phase string, _ time.Duration)  { o.note("answered", phase) }
func (o *observed) Evaluated(phase string, _ time.Duration) { o.note("evaluated", phase) }
func (o *observed) Violated(policy, enforcement string)     { o.note("objected", policy, enforcement) }
func (o *observed) EvaluationFailed(policy, reason string) {
	o.note("evaluation error of", policy, reason)
}

// fixed is a policy set with one verdict.
type fixed policy.Verdict

func (f fixed) Evaluate(context.Context, policy.Input) policy.Verdict { return policy.Verdict(f) }

func TestHandler_CountsAndLogsDecisionsOnce(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	dry := func(r *admissionv1.AdmissionRequest) { r.DryRun = new(true) }
	failed := records{quarantine: map[string]*Quarantine{
		workload.TemplateHash(&broken.Spec.Template): {Revision: 5, Error: "password=hunter2 is wrong", Until: now().Add(time.Hour)},
	}}
	object := func(rules ...string) (all []policy.Violation) {
		for _, rule := range rules {
			all = append(all, policy.Violation{Rule: rule, Message: "no"})
		}
		return all
	}
	verdict := func(v policy.Verdict) fixed { v.Policies = "abc"; return fixed(v) }
	denying := verdict(policy.Verdict{Violations: object("b", "a", "a"), Warnings: object("c"), DryRun: object("d")})
	unable := verdict(policy.Verdict{Errors: []policy.RuleError{{Rule: "e", Kind: policy.Broken}}})
	late := verdict(policy.Verdict{Errors: []policy.RuleError{{Rule: "e", Kind: policy.TimedOut}}})
	tests := []struct {
		reason  string
		setting setting
		review  *admissionv1.AdmissionReview
		counted []string
		// log is what the decision's line says; nil where there is none at the level of production.
		log map[string]any
	}{
		{
			"allowed", setting{phase: policy.Final, policies: verdict(policy.Verdict{})}, writing(nil, healthy),
			[]string{"evaluated final", "answered final", "admitted allowed create false"},
			map[string]any{"decision": "allowed", "rules": []any{}, "policies": "abc", "operation": "CREATE"},
		},
		{
			"warned", setting{phase: policy.Final, policies: verdict(policy.Verdict{Warnings: object("c")})}, writing(healthy, broken),
			[]string{"evaluated final", "answered final", "admitted warned update false", "objected c warn"},
			map[string]any{"decision": "warned", "rules": []any{"c"}},
		},
		{
			"denied, by each rule once", setting{phase: policy.Final, policies: denying}, writing(healthy, broken),
			[]string{"evaluated final", "answered final", "admitted denied update false", "objected a deny", "objected b deny", "objected c warn", "objected d dryrun"},
			map[string]any{"decision": "denied", "rules": []any{"a", "b", "c"}, "dryrunViolations": "d: no", "message": "3 reasons: (1) no; (2) no; (3) no"},
		},
		{
			"a dry run is counted as one, and its policies are not", setting{phase: policy.Final, policies: denying}, asked(writing(healthy, broken), dry),
			[]string{"evaluated final", "answered final", "admitted denied update true"},
			map[string]any{"decision": "denied", "dryRun": true},
		},
		{
			"an exemption is counted as such", setting{phase: policy.Final, policies: verdict(policy.Verdict{
				Exempted: []policy.Exempted{{Violation: policy.Violation{Rule: "a"}}},
			})}, writing(healthy, broken),
			[]string{"evaluated final", "answered final", "admitted warned update false", "objected a exempt"},
			map[string]any{"decision": "warned", "rules": []any{"a"}},
		},
		{
			"admitted unchecked", setting{phase: policy.Final, policies: unable, failurePolicy: admissionregistrationv1.Ignore}, writing(healthy, broken),
			[]string{"evaluated final", "answered final", "admitted unchecked update false", "evaluation error of e broken"},
			map[string]any{"decision": "unchecked", "rules": []any{"e"}},
		},
		{
			"denied unchecked", setting{phase: policy.Final, policies: unable}, writing(healthy, broken),
			[]string{"evaluated final", "answered final", "admitted denied update false", "evaluation error of e broken"},
			map[string]any{"decision": "denied", "rules": []any{"e"}},
		},
		{
			"too late denies under every failure policy", setting{phase: policy.Final, policies: late, failurePolicy: admissionregistrationv1.Ignore}, writing(healthy, broken),
			[]string{"evaluated final", "answered final", "admitted denied update false", "evaluation error of e timeout"},
			map[string]any{"decision": "denied", "rules": []any{"e"}},
		},
		{
			"quarantined, without what may be a secret", setting{phase: policy.Final, records: failed}, writing(healthy, broken),
			[]string{"answered final", "admitted quarantined update false"},
			map[string]any{"decision": "quarantined", "policies": ""},
		},
		{
			"the early phase leaves what passes to the last word", setting{phase: policy.Early, policies: verdict(policy.Verdict{})}, writing(healthy, broken),
			[]string{"evaluated early", "answered early"}, nil,
		},
		{
			"an early denial decides", setting{phase: policy.Early, policies: denying}, writing(healthy, broken),
			[]string{"evaluated early", "answered early", "admitted denied update false", "objected a deny", "objected b deny", "objected c warn", "objected d dryrun"},
			map[string]any{"decision": "denied", "phase": "early"},
		},
		{
			"a skipped request is logged and not counted", setting{phase: policy.Final}, writing(healthy, healthy),
			[]string{"answered final"}, map[string]any{"decision": "skipped", "reason": "intent-unchanged"},
		},
		{
			"a deletion, which has no object", setting{phase: policy.Final}, asked(writing(healthy, healthy), func(r *admissionv1.AdmissionRequest) {
				r.Operation, r.Object.Object, r.Name = admissionv1.Delete, nil, ""
			}), []string{"answered final"}, map[string]any{"decision": "skipped", "reason": "not-a-write", "workload": ""},
		},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			counts, lines := &observed{}, decisions(&test.setting)
			test.setting.observed = counts
			call, _ := test.setting.server(t)
			ask(t, call, test.review)
			slices.Sort(counts.lines)
			slices.Sort(test.counted)
			if difference := cmp.Diff(test.counted, counts.lines); difference != "" {
				t.Errorf("counted (-want +got):\n%s", difference)
			}
			if said := strings.Join(*lines, "\n"); strings.Contains(said, "hunter2") {
				t.Errorf("the log holds a secret: %s", said)
			}
			checkDecision(t, *lines, test.review, test.log)
		})
	}
}

// decisions collects the lines of decisions that a setting logs in production.
func decisions(s *setting) *[]string {
	lines := &[]string{}
	s.log = logr.New(funcr.NewJSON(func(line string) {
		if strings.Contains(line, `"msg":"Decided"`) {
			*lines = append(*lines, line)
		}
	}, funcr.Options{Verbosity: 0}).GetSink())
	return lines
}

func checkDecision(t *testing.T, lines []string, review *admissionv1.AdmissionReview, want map[string]any) {
	t.Helper()
	if want == nil {
		if len(lines) > 0 {
			t.Errorf("logged %q, want nothing", lines)
		}
		return
	}
	if len(lines) != 1 {
		t.Fatalf("%d lines, want one: %q", len(lines), lines)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
		t.Fatal(err)
	}
	want["uid"], want["user"], want["namespace"] = string(review.Request.UID), review.Request.UserInfo.Username, "shop"
	for key, value := range want {
		if difference := cmp.Diff(value, line[key]); difference != "" {
			t.Errorf("%s (-want +got):\n%s", key, difference)
		}
	}
	for _, key := range []string{"workload", "milliseconds", "policies", "phase", "dryRun"} {
		if _, found := line[key]; !found {
			t.Errorf("the line lacks %s: %s", key, lines[0])
		}
	}
}
