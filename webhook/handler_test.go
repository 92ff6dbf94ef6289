package webhook

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/policy"
)

func TestHandler_DeniesWhatItCannotRead(t *testing.T) {
	review := func(request string) string {
		return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":` + request + `}`
	}
	object := func(object string) string {
		return review(`{"uid":"review-1","operation":"CREATE","object":` + object + `}`)
	}
	tests := []struct {
		reason string
		body   string
		says   string
		// nobody is true where no uid can be read: there is no review that an answer could deny.
		nobody bool
	}{
		{"nothing", ``, "decoding the AdmissionReview", true},
		{"no JSON", `hello`, "decoding the AdmissionReview", true},
		{"an empty object", `{}`, "not an AdmissionReview", true},
		{"a list", `[]`, "decoding the AdmissionReview", true},
		{"null", `null`, "not an AdmissionReview", true},
		{"another kind", `{"apiVersion":"v1","kind":"Pod"}`, `"Pod" of "v1"`, true},
		{"no request", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, "no request", true},
		{"a null request", review(`null`), "no request", true},
		{"an empty request", review(`{}`), "no uid", true},
		{"a uid that is no text", review(`{"uid":{"a":1},"operation":"CREATE"}`), "no uid", true},
		{"nested without end", strings.Repeat(`[`, 20000), "decoding the AdmissionReview", true},
		{"an old version", `{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"review-1"}}`, "v1beta1", false},
		{"a creation without an object", object(`null`), "request.object: there is no object", false},
		{"a creation of an empty object", object(`{}`), "not a Deployment", false},
		{"an update without what was there", review(`{"uid":"review-1","operation":"UPDATE","object":{"apiVersion":"apps/v1","kind":"Deployment"}}`), "request.oldObject", false},
		{"a kind that we do not know", object(`{"apiVersion":"apps/v1","kind":"StatefulSet"}`), `"StatefulSet" of "apps/v1"`, false},
		{"a manifest that cannot be decoded", object(`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":"none"}}}}`), "decoding request.object", false},
		{"a quantity that is none", object(`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"a lot"}}}]}}}}`), "decoding request.object", false},
		{"an object that ends in the middle", strings.TrimSuffix(object(`{"apiVersion":"apps/v1","kind":"Deployment"`), "}}"), "decoding the AdmissionReview", false},
		{"more than is evaluated", object(`"` + strings.Repeat("x", maxReview) + `"`), "too large to be checked", false},
	}
	for _, phase := range []policy.Phase{policy.Early, policy.Final} {
		for _, failurePolicy := range []admissionregistrationv1.FailurePolicyType{admissionregistrationv1.Fail, admissionregistrationv1.Ignore} {
			call, told := setting{phase: phase, failurePolicy: failurePolicy}.server(t)
			for _, test := range tests {
				t.Run(phase.String()+"/"+string(failurePolicy)+"/"+test.reason, func(t *testing.T) {
					answer := call([]byte(test.body))
					if test.nobody {
						if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), test.says) {
							t.Errorf("HTTP %d: %s, want 400 that says %q", answer.Code, answer.Body, test.says)
						}
						return
					}
					response := responseIn(t, answer, "review-1")
					if response.Allowed || response.Result.Code != http.StatusForbidden || !strings.Contains(response.Result.Message, test.says) {
						t.Errorf("response = %+v %+v, want a denial that says %q", response, response.Result, test.says)
					}
				})
			}
			if events := told(); len(events) > 0 {
				t.Errorf("events: %+v, want none", events)
			}
		}
	}
}

func TestHandler_LargeReview(t *testing.T) {
	large := with(manifest(t, "broken"), func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Env = append(d.Spec.Template.Spec.Containers[0].Env,
			corev1.EnvVar{Name: "LARGE", Value: strings.Repeat("x", 3_000_000)})
	})
	call, _ := setting{phase: policy.Final}.server(t)
	if response := ask(t, call, writing(nil, large)); response.Allowed {
		t.Error("it was allowed, with a request over its limit")
	}
}

// panicking is a policy set with a defect.
type panicking struct{}

func (panicking) Evaluate(context.Context, policy.Input) policy.Verdict { panic("a defect") }

func TestHandler_DeniesWhatMakesItPanic(t *testing.T) {
	call, told := setting{phase: policy.Final, policies: panicking{}, failurePolicy: admissionregistrationv1.Ignore}.server(t)
	for range 20 { // More than there are slots: each gives its slot back.
		response := ask(t, call, writing(nil, manifest(t, "healthy")))
		if response.Allowed || !strings.Contains(response.Result.Message, "internal error of Reprise") {
			t.Fatalf("response = %+v, want a denial", response)
		}
	}
	if events := told(); len(events) > 0 {
		t.Errorf("events: %+v, want none", events)
	}
}

func TestHandler_DeadlineLeavesTimeToAnswer(t *testing.T) {
	tests := []struct {
		reason, query string
		want          time.Duration
	}{
		{"as the API server sends it", "timeout=3s", 2400 * time.Millisecond},
		{"below a second", "timeout=500ms", 400 * time.Millisecond},
		{"a caller that does not say", "", 1600 * time.Millisecond},
		{"not a duration", "timeout=soon", 1600 * time.Millisecond},
		{"never negative", "timeout=-1s", 1600 * time.Millisecond},
		{"more than a configuration may state", "timeout=1h", 24 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			if got := deadline(&url.URL{RawQuery: test.query}); got != test.want {
				t.Errorf("deadline = %s, want %s", got, test.want)
			}
		})
	}
}

func TestHandler_LimitsWarnings(t *testing.T) {
	long := strings.Repeat("ä", 300)
	if diff := cmp.Diff([]string{long, "short"}, limitWarnings([]string{long, "short"})); diff != "" {
		t.Errorf("warnings that fit were changed (-want +got):\n%s", diff)
	}
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("%d %s", i, long))
	}
	fitted := limitWarnings(many)
	total := 0
	for _, warning := range fitted {
		length := utf8.RuneCountInString(warning)
		if length > maxWarning {
			t.Errorf("a warning has %d runes", length)
		}
		total += length
	}
	if total > maxWarnings {
		t.Errorf("all have %d runes", total)
	}
	if got, want := fitted[len(fitted)-1], fmt.Sprintf("%d more warnings", 41-len(fitted)); got != want {
		t.Errorf("the last is %q, want %q", got, want)
	}
}

func TestNewHandler_IncompleteConfig(t *testing.T) {
	if _, err := NewHandler(policy.Final, Config{}); err == nil {
		t.Error("an empty configuration is accepted")
	}
	complete := Config{
		Policies: panicking{}, Namespaces: shop(), Revisions: records{}, Observer: &observed{}, Now: now,
		Denials: NewEventQueue(&written{}, records{}, &remembered{}, logr.Discard()), FailurePolicy: "Sometimes",
	}
	if _, err := NewHandler(policy.Final, complete); err == nil {
		t.Error("an unknown failure policy is accepted")
	}
}

// FuzzHandler sends bodies of any shape: each is answered, by 200 or 400, and
// none by a panic, which would be the internal error.
func FuzzHandler(f *testing.F) {
	for _, review := range []*admissionv1.AdmissionReview{
		writing(nil, manifest(f, "broken")),
		writing(manifest(f, "healthy"), manifest(f, "broken")),
	} {
		f.Add(encode(f, review))
	}
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"UPDATE","object":{"apiVersion":"apps/v1","kind":"Deployment","metadata":null},"oldObject":{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"k8s.score.dev/workload-name":"x"}}}}}`))
	early, _ := setting{phase: policy.Early}.server(f)
	final, _ := setting{phase: policy.Final}.server(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, call := range []func([]byte) *httptest.ResponseRecorder{early, final} {
			answer := call(body)
			if answer.Code != http.StatusOK && answer.Code != http.StatusBadRequest {
				t.Errorf("HTTP %d", answer.Code)
			}
			if strings.Contains(answer.Body.String(), "internal error") {
				t.Error("it panicked")
			}
		}
	})
}
