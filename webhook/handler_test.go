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
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/policy"
)

func TestHandler_MalformedIsHTTP500(t *testing.T) {
	review := func(request string) string {
		return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":` + request + `}`
	}
	object := func(object string) string {
		return review(`{"uid":"1","operation":"CREATE","object":` + object + `}`)
	}
	tests := []struct {
		reason string
		body   string
		says   string
	}{
		{"nothing", ``, "decoding the AdmissionReview"},
		{"no JSON", `hello`, "decoding the AdmissionReview"},
		{"an empty object", `{}`, "not an AdmissionReview"},
		{"a list", `[]`, "decoding the AdmissionReview"},
		{"null", `null`, "not an AdmissionReview"},
		{"another kind", `{"apiVersion":"v1","kind":"Pod"}`, `"Pod" of "v1"`},
		{"an old version", `{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"1"}}`, "v1beta1"},
		{"no request", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, "no request"},
		{"a null request", review(`null`), "no request"},
		{"an empty request", review(`{}`), "no uid"},
		{"a creation without an object", object(`null`), "request.object: there is no object"},
		{"a creation of an empty object", object(`{}`), "not a Deployment"},
		{"an update without what was there", review(`{"uid":"1","operation":"UPDATE","object":{"apiVersion":"apps/v1","kind":"Deployment"}}`), "request.oldObject"},
		{"a kind that we do not know", object(`{"apiVersion":"apps/v1","kind":"StatefulSet"}`), `"StatefulSet" of "apps/v1"`},
		{"a manifest that cannot be decoded", object(`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":"none"}}}}`), "decoding request.object"},
		{"a quantity that is none", object(`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"a lot"}}}]}}}}`), "decoding request.object"},
		{"nested without end", strings.Repeat(`[`, 20000), "decoding the AdmissionReview"},
		{"more than 7 MiB", object(`"` + strings.Repeat("x", maxBody) + `"`), "more than 7340032"},
	}
	for _, phase := range []policy.Phase{policy.Early, policy.Final} {
		call, told := setting{phase: phase}.server(t)
		for _, test := range tests {
			t.Run(phase.String()+"/"+test.reason, func(t *testing.T) {
				answer := call([]byte(test.body))
				if answer.Code != http.StatusInternalServerError {
					t.Errorf("HTTP %d, want 500", answer.Code)
				}
				if !strings.Contains(answer.Body.String(), test.says) {
					t.Errorf("reason %q does not say %q", answer.Body, test.says)
				}
			})
		}
		if events := told(); len(events) > 0 {
			t.Errorf("events: %+v, want none", events)
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

func TestHandler_PanicIsHTTP500(t *testing.T) {
	call, told := setting{phase: policy.Final, policies: panicking{}}.server(t)
	answer := call(encode(t, writing(nil, manifest(t, "healthy"))))
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "internal error") {
		t.Errorf("HTTP %d: %s, want 500", answer.Code, answer.Body)
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

func TestEventQueue_DropsWhenFull(t *testing.T) {
	events := &written{}
	denials := NewEventQueue(events, records{}, logr.Discard())
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	for range maxQueuedEvents + 5 {
		denials.add(denial{old: healthy, object: broken, message: "no", at: now()})
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := denials.Run(done); err != nil {
		t.Fatal(err)
	}
	if len(events.events) != maxQueuedEvents {
		t.Errorf("%d events, want %d", len(events.events), maxQueuedEvents)
	}
}

func TestNewHandler_IncompleteConfig(t *testing.T) {
	if _, err := NewHandler(policy.Final, Config{}); err == nil {
		t.Error("an empty configuration is accepted")
	}
	complete := Config{
		Policies: panicking{}, Namespaces: shop(), Revisions: records{}, Observer: &observed{}, Now: now,
		Denials: NewEventQueue(&written{}, records{}, logr.Discard()), FailurePolicy: "Sometimes",
	}
	if _, err := NewHandler(policy.Final, complete); err == nil {
		t.Error("an unknown failure policy is accepted")
	}
}

// FuzzHandler sends bodies of any shape: each is answered, by 200 or 500, and
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
			if answer.Code != http.StatusOK && answer.Code != http.StatusInternalServerError {
				t.Errorf("HTTP %d", answer.Code)
			}
			if strings.Contains(answer.Body.String(), "internal error") {
				t.Error("it panicked")
			}
		}
	})
}
