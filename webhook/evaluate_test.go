package webhook

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

const (
	excess    = "containers.frontend.resources.requests.memory: request 250Mi exceeds the limit 200Mi"
	excessFix = "; lower the request to 200Mi or raise the limit to 250Mi"
)

// with changes a copy of a Deployment.
func with(d *appsv1.Deployment, change func(*appsv1.Deployment)) *appsv1.Deployment {
	d = d.DeepCopy()
	change(d)
	return d
}

func TestHandler_Admits(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	unmarked := func(d *appsv1.Deployment) { d.Annotations = nil }
	tests := []struct {
		reason string
		review *admissionv1.AdmissionReview
		// skipped is why no policy was evaluated; empty where all were.
		skipped string
	}{
		{"a sound creation", writing(nil, healthy), ""},
		{"a sound update", writing(healthy, with(healthy, func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].Image = "ghcr.io/stefanprodan/podinfo:6.7.2"
		})), ""},
		{"with generateName there is no name yet", writing(nil, with(healthy, func(d *appsv1.Deployment) {
			d.Name, d.GenerateName = "", "sample-app-"
		})), ""},
		{"what Score did not write is not ours", writing(nil, with(broken, unmarked)), "not-a-workload"},
		{"an unchanged intent in mid-rollout, though it violates a newer policy", writing(broken, with(broken, func(d *appsv1.Deployment) {
			d.Annotations["deployment.kubernetes.io/revision"] = "3"
		})), "intent-unchanged"},
		{"scaling is no change of intent", writing(broken, with(broken, func(d *appsv1.Deployment) {
			d.Spec.Replicas = new(int32(7))
		})), "intent-unchanged"},
		{"a deletion has no object", asked(writing(healthy, healthy), func(r *admissionv1.AdmissionRequest) {
			r.Operation, r.Object.Object = admissionv1.Delete, nil
		}), "not-a-write"},
		{"deployments/scale sends a Scale", asked(writing(healthy, broken), func(r *admissionv1.AdmissionRequest) {
			r.SubResource, r.Kind.Kind = "scale", "Scale"
		}), "not-a-write"},
	}
	for _, phase := range []policy.Phase{policy.Early, policy.Final} {
		call, told := setting{phase: phase}.server(t)
		for _, test := range tests {
			t.Run(phase.String()+"/"+test.reason, func(t *testing.T) {
				response := ask(t, call, test.review)
				if !response.Allowed || len(response.Warnings) > 0 {
					t.Errorf("response = %+v, want allowed without warnings", response)
				}
				if got := response.AuditAnnotations[auditSkipped]; got != test.skipped {
					t.Errorf("skipped = %q, want %q", got, test.skipped)
				}
			})
		}
		if events := told(); len(events) > 0 {
			t.Errorf("events: %+v, want none", events)
		}
	}
}

func TestHandler_Denies(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	requestsOnly := with(broken, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Resources.Limits = nil })
	limited := shop(memoryLimit("200Mi"))
	live := records{healthy: &Healthy{Number: 4, IntentHash: workload.IntentOf(healthy).Hash()}}
	tests := []struct {
		reason  string
		setting setting
		review  *admissionv1.AdmissionReview
		want    string
		events  int
	}{
		{"the tutorial's break, as the mutating phase sees it", setting{phase: policy.Early, records: live}, writing(healthy, broken),
			excess + excessFix + "; revision 4 keeps running", 1},
		{"in the last word too", setting{phase: policy.Final, records: live}, writing(healthy, broken),
			excess + excessFix + "; revision 4 keeps running", 1},
		{"the limit comes from the namespace", setting{phase: policy.Final, namespace: &limited}, writing(healthy, requestsOnly),
			excess + " (default limit of LimitRange mem-defaults); lower the request to 200Mi or set a limit of 250Mi", 1},
		{"a creation leaves nothing running and has nothing to hang an event on", setting{phase: policy.Early, records: live}, writing(nil, broken),
			excess + excessFix, 0},
		{"a dry run leaves no trace", setting{phase: policy.Early}, asked(writing(healthy, broken), func(r *admissionv1.AdmissionRequest) { r.DryRun = new(true) }),
			excess + excessFix, 0},
		{"what runs is not the last healthy revision", setting{phase: policy.Early, records: records{healthy: &Healthy{Number: 2, IntentHash: "another"}}}, writing(healthy, broken),
			excess + excessFix + "; revision 2 is the last healthy one", 1},
		{"what is recorded cannot be read", setting{phase: policy.Final, records: records{err: errors.New("no cache")}}, writing(healthy, broken),
			excess + excessFix, 1},
		{"removing the marker escapes nothing", setting{phase: policy.Early}, writing(healthy, with(broken, func(d *appsv1.Deployment) { d.Annotations = nil })),
			excess + excessFix, 1},
		{"several violations stay on one line", setting{phase: policy.Early}, writing(nil, with(broken, func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("1")
		})), "2 reasons: (1) containers.frontend.resources.requests.cpu: request 1 exceeds the limit 150m; lower the request to 150m or raise the limit to 1; (2) " + excess + excessFix, 0},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			call, told := test.setting.server(t)
			response := ask(t, call, test.review)
			if response.Allowed {
				t.Fatal("it was allowed")
			}
			if diff := cmp.Diff(test.want, response.Result.Message); diff != "" {
				t.Errorf("message differs (-want +got):\n%s", diff)
			}
			if response.Result.Code != 403 || response.Result.Reason != metav1.StatusReasonForbidden {
				t.Errorf("status = %d %s, want 403 Forbidden", response.Result.Code, response.Result.Reason)
			}
			causes := response.Result.Details.Causes
			if last := causes[len(causes)-1]; last.Field != "spec.template.spec.containers[0].resources.requests[memory]" {
				t.Errorf("cause's field = %q", last.Field)
			}
			if events := told(); len(events) != test.events {
				t.Errorf("%d events, want %d: %+v", len(events), test.events, events)
			}
		})
	}
}

func TestEventQueue_HoldsErrorAndDiff(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	call, told := setting{phase: policy.Early}.server(t)
	ask(t, call, writing(healthy, broken))
	ask(t, call, writing(healthy, broken))
	events := told()
	if len(events) != 2 || events[0].Key != events[1].Key {
		t.Fatalf("events: %+v, want the same one twice", events)
	}
	got := events[0]
	if got.Reason != v1alpha1.EventAdmissionDenied || !got.Warning || got.Regarding.UID != healthy.UID || !got.At.Equal(now()) {
		t.Errorf("event = %+v", got)
	}
	for _, part := range []string{"denied: " + excess, "containers.frontend.image 6.7.0 → 6.7.1", "containers.frontend.resources.limits added"} {
		if !strings.Contains(got.Message, part) {
			t.Errorf("message %q lacks %q", got.Message, part)
		}
	}
	d := denialIn(t, got)
	const field = "containers.frontend.resources.requests.memory"
	if len(d.Violations) != 1 || d.Violations[0].Policy != "requests-within-limits" || d.Violations[0].Field != field ||
		field+": "+d.Violations[0].Message+"; "+d.Violations[0].Fix != excess+excessFix {
		t.Errorf("violations = %+v, want the policy, the field, what is wrong and what to change", d.Violations)
	}
	if len(d.Changes) == 0 || d.ResourceVersion != healthy.ResourceVersion || d.IntentHash != workload.IntentOf(broken).Hash() {
		t.Errorf("denial = %+v, want what it would have changed, and of what", d)
	}
}

// denialIn returns what an event tells programs.
func denialIn(t *testing.T, e event.Event) v1alpha1.Denial {
	t.Helper()
	var d v1alpha1.Denial
	if err := json.Unmarshal([]byte(e.Annotations[v1alpha1.DenialAnnotation]), &d); err != nil {
		t.Fatalf("%v in %v", err, e.Annotations)
	}
	return d
}

func TestHandler_Quarantine(t *testing.T) {
	healthy := manifest(t, "healthy")
	failed := with(healthy, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = "ghcr.io/stefanprodan/podinfo:0.0.0"
	})
	quarantined := records{quarantine: map[string]*Quarantine{
		workload.TemplateHash(&failed.Spec.Template): {Revision: 5, Error: "image not found", Until: now().Add(time.Minute)},
	}}
	annotated := func(d *appsv1.Deployment, key, value string) *appsv1.Deployment {
		return with(d, func(d *appsv1.Deployment) { d.Annotations[key] = value })
	}
	off := namespace{data: shop().data, annotations: map[string]string{v1alpha1.QuarantineAnnotation: "off"}}
	const line = "this pod template failed as revision 5: image not found; it changes containers.frontend.image 6.7.0 → 0.0.0. Change it, wait until 2026-03-01T12:01:00Z, or retry: kubectl annotate deployment/sample-app -n shop --overwrite reprise.dev/retry=5"
	tests := []struct {
		reason   string
		setting  setting
		review   *admissionv1.AdmissionReview
		denial   string
		warnings []string
	}{
		{"a failed pod template is denied with its earlier error", setting{phase: policy.Final, records: quarantined}, writing(healthy, failed), line, nil},
		{"a dry run is only warned, or GitOps applies nothing", setting{phase: policy.Final, records: quarantined},
			asked(writing(healthy, failed), func(r *admissionv1.AdmissionRequest) { r.DryRun = new(true) }), "", []string{line}},
		{"the early phase leaves it to the last word", setting{phase: policy.Early, records: quarantined}, writing(healthy, failed), "", nil},
		{"a retry of this revision was asked for", setting{phase: policy.Final, records: quarantined}, writing(healthy, annotated(failed, v1alpha1.RetryAnnotation, "5")), "", nil},
		{"a retry of an earlier one is over", setting{phase: policy.Final, records: quarantined}, writing(annotated(healthy, v1alpha1.RetryAnnotation, "3"), annotated(failed, v1alpha1.RetryAnnotation, "3")), line, nil},
		{"the workload's setting is off", setting{phase: policy.Final, records: quarantined}, writing(healthy, annotated(failed, v1alpha1.QuarantineAnnotation, "off")), "", nil},
		{"the namespace's setting is off", setting{phase: policy.Final, records: quarantined, namespace: &off}, writing(healthy, failed), "", nil},
		{"no new pods come of a label", setting{phase: policy.Final, records: quarantined}, writing(failed, with(failed, func(d *appsv1.Deployment) { d.Labels["team"] = "shop" })), "", nil},
		{"another template is free", setting{phase: policy.Final, records: quarantined}, writing(failed, healthy), "", nil},
		{"a Deployment that was deleted and is created again is admitted, or nothing runs", setting{phase: policy.Final, records: quarantined}, writing(nil, failed), "", nil},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			call, told := test.setting.server(t)
			response := ask(t, call, test.review)
			denial := ""
			if response.Result != nil {
				denial = response.Result.Message
			}
			if diff := cmp.Diff(test.denial, denial); diff != "" {
				t.Errorf("denial differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.warnings, response.Warnings); diff != "" {
				t.Errorf("warnings differ (-want +got):\n%s", diff)
			}
			events := told()
			if (len(events) > 0) != (test.denial != "") || len(events) > 0 && (events[0].Reason != v1alpha1.EventTemplateQuarantined || !events[0].Aggregate) {
				t.Errorf("events = %+v, want one of a quarantine where it is denied", events)
			}
			if len(events) > 0 && denialIn(t, events[0]).Failed != 5 {
				t.Errorf("the event does not say as which revision it failed: %v", events[0].Annotations)
			}
		})
	}
}

func TestHandler_WarnsOfInvalidSettings(t *testing.T) {
	healthy := manifest(t, "healthy")
	mistaken := with(healthy, func(d *appsv1.Deployment) { d.Annotations[v1alpha1.BakeTimeAnnotation] = "thirty" })
	for phase, want := range map[policy.Phase][]string{
		policy.Early: nil,
		policy.Final: {`annotation reprise.dev/bake-time is "thirty": expected a duration such as 30s`},
	} {
		call, _ := setting{phase: phase}.server(t)
		response := ask(t, call, writing(nil, mistaken))
		if diff := cmp.Diff(want, response.Warnings); !response.Allowed || diff != "" {
			t.Errorf("%s: allowed %t, warnings differ (-want +got):\n%s", phase, response.Allowed, diff)
		}
	}
}

// TestHandler_WarnsOfASettingThatChangesNoIntent annotates only, as kubectl annotate does.
func TestHandler_WarnsOfASettingThatChangesNoIntent(t *testing.T) {
	broken := manifest(t, "broken")
	mistaken := with(broken, func(d *appsv1.Deployment) { d.Annotations[v1alpha1.BakeTimeAnnotation] = "thirty" })
	call, _ := setting{phase: policy.Final}.server(t)
	response := ask(t, call, writing(broken, mistaken))
	want := []string{`annotation reprise.dev/bake-time is "thirty": expected a duration such as 30s`}
	if diff := cmp.Diff(want, response.Warnings); !response.Allowed || diff != "" {
		t.Errorf("allowed %t, warnings differ (-want +got):\n%s", response.Allowed, diff)
	}
	if again := ask(t, call, writing(mistaken, mistaken)); len(again.Warnings) > 0 {
		t.Errorf("a write that changes no annotation warns: %v", again.Warnings)
	}
}

// TestHandler_EvaluatesWhatBecomesAWorkload opts a Deployment in by a label, which changes no
// intent.
func TestHandler_EvaluatesWhatBecomesAWorkload(t *testing.T) {
	unmarked := with(manifest(t, "broken"), func(d *appsv1.Deployment) { d.Annotations = nil })
	optedIn := with(unmarked, func(d *appsv1.Deployment) {
		d.Labels = map[string]string{v1alpha1.GuardLabel: workload.GuardEnabled}
	})
	unmarked.Labels = nil
	call, _ := setting{phase: policy.Final}.server(t)
	if response := ask(t, call, writing(unmarked, optedIn)); response.Allowed {
		t.Error("a Deployment that violates a policy becomes a workload")
	}
}

func TestEventQueue_NamesChangedFiles(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	call, told := setting{phase: policy.Final, records: records{files: []string{"containers.frontend.files./etc/app.conf"}}}.server(t)
	ask(t, call, writing(healthy, broken))
	const want = "its files have already changed, and pods read them at their next start: containers.frontend.files./etc/app.conf"
	if events := told(); len(events) != 1 || !strings.HasSuffix(events[0].Message, want) {
		t.Errorf("events = %+v, want one that ends with %q", events, want)
	}
}

func TestHandler_OwnWrites(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	recorded := records{intents: map[string]bool{workload.IntentOf(broken).Hash(): true}}
	call, _ := setting{phase: policy.Final, records: recorded}.server(t)
	review := writing(healthy, broken)
	if response := ask(t, call, review); response.Allowed {
		t.Error("anyone may write what is recorded, whatever the policies say")
	}
	review.Request.UserInfo.Username = ownName
	if response := ask(t, call, review); !response.Allowed || response.AuditAnnotations[auditSkipped] != "rollback" {
		t.Errorf("response = %+v, want allowed as a rollback", response)
	}
	unrecorded := writing(broken, healthy)
	if response := ask(t, call, unrecorded); !response.Allowed {
		t.Errorf("others may deploy what is sound: %+v", response)
	}
	for reason, review := range map[string]*admissionv1.AdmissionReview{
		"an update": unrecorded, "a creation": writing(nil, broken),
	} {
		review.Request.UserInfo.Username = ownName
		if response := ask(t, call, review); response.Allowed {
			t.Errorf("Reprise's account deploys what is recorded nowhere, by %s", reason)
		}
	}
}

func TestHandler_FailurePolicy(t *testing.T) {
	healthy := manifest(t, "healthy")
	unread := shop()
	unread.data.Unknown = map[effective.Kind]string{effective.KindLimitRange: "the cache is not filled yet"}
	endless := enginesOf(t, policy.Module{File: "endless.rego", Rego: `package endless
deny contains "never" if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a + b < 0
}`})
	bad := enginesOf(t, policy.Module{File: "bad.rego", Rego: "package bad\ndeny contains \"no\" if k8s.quantity.compare(\"x\", \"1\") > 0"})
	tests := []struct {
		reason  string
		setting setting
		names   string
		// denied is true where the failure policy Ignore does not let it in.
		denied bool
	}{
		{"namespace data is not known", setting{namespace: &unread}, "rule pod-admissible could not be evaluated: LimitRange: the cache is not filled yet", false},
		{"a rule takes too long", setting{policies: endless}, "rule endless could not be evaluated: it did not finish before its deadline", true},
		{"a rule is broken", setting{policies: bad}, "rule bad could not be evaluated: ", false},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			test.setting.phase = policy.Final
			test.setting.failurePolicy = admissionregistrationv1.Fail
			call, _ := test.setting.server(t)
			response := ask(t, call, writing(nil, healthy))
			if response.Allowed || !strings.Contains(response.Result.Message, test.names) || response.Result.Code != 403 {
				t.Errorf("Fail: response = %+v, want a denial naming %q", response, test.names)
			}
			test.setting.failurePolicy = admissionregistrationv1.Ignore
			call, _ = test.setting.server(t)
			response = ask(t, call, writing(nil, healthy))
			if test.denied {
				if response.Allowed || !strings.Contains(response.Result.Message, test.names) {
					t.Errorf("Ignore: response = %+v, want a denial naming %q", response, test.names)
				}
				return
			}
			if !response.Allowed || len(response.Warnings) != 1 || !strings.Contains(response.Warnings[0], test.names) {
				t.Errorf("Ignore: response = %+v, want a warning naming %q", response, test.names)
			}
			if !strings.Contains(response.AuditAnnotations[auditUnchecked], test.names) {
				t.Errorf("Ignore: audit annotations %v do not name %q", response.AuditAnnotations, test.names)
			}
		})
	}
}

// asked changes a review's request.
func asked(review *admissionv1.AdmissionReview, change func(*admissionv1.AdmissionRequest)) *admissionv1.AdmissionReview {
	change(review.Request)
	return review
}

func memoryLimit(limit string) *corev1.LimitRange {
	return &corev1.LimitRange{
		ObjectMeta: metav1.ObjectMeta{Name: "mem-defaults", Namespace: "shop"},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type:    corev1.LimitTypeContainer,
			Default: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)},
		}}},
	}
}

// TestHandler_QuantitiesOutOfRange: whatever a developer writes as a quantity, the answer is a
// denial, and it comes at once.
func TestHandler_QuantitiesOutOfRange(t *testing.T) {
	for _, amount := range []string{
		"1e3000000", "1e1000000000", "1e99999999999999999999", "-1e1000000000", "1234567890123456789012e1000000000",
		`1\u0065999999999`, "1" + strings.Repeat("0", 1<<18), strings.Repeat("9", 1<<18) + "E",
	} {
		for _, phase := range []policy.Phase{policy.Early, policy.Final} {
			call, _ := setting{phase: phase}.server(t)
			stated := with(manifest(t, "healthy"), func(d *appsv1.Deployment) {
				d.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("7777")}
			})
			review := asked(writing(nil, stated), func(r *admissionv1.AdmissionRequest) {
				encoded, err := json.Marshal(stated)
				if err != nil {
					t.Fatal(err)
				}
				r.Object.Object, r.Object.Raw = nil, []byte(strings.Replace(string(encoded), `"7777"`, `"`+amount+`"`, 1))
			})
			begun := time.Now()
			response := ask(t, call, review)
			const want = "the limit of Kubernetes for quantities; write an amount that a node can have"
			if response.Allowed || !strings.Contains(response.Result.Message, want) || !strings.Contains(response.Result.Message, "containers.frontend.resources.limits.memory") {
				t.Errorf("%s, limits.memory %.40s: response %+v, want a denial that says %q", phase, amount, response, want)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("%s, limits.memory %.40s: the answer took %s", phase, amount, took)
			}
		}
	}
}
