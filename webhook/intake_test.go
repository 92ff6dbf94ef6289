package webhook

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/internal/fairqueue"
	"reprise.dev/reprise/policy"
)

func TestReadHead(t *testing.T) {
	full := head{uid: "1", operation: "UPDATE", namespace: "shop", name: "cart"}
	tests := []struct {
		reason, body string
		want         head
	}{
		{"as the API server writes it", `{"kind":"AdmissionReview","apiVersion":"v1","request":{"uid":"1","kind":{"group":"apps"},"name":"cart","namespace":"shop","operation":"UPDATE","userInfo":{"username":"alice"},"object":{"uid":"2"}}}`, full},
		{"cut off in the object", `{"request":{"uid":"1","name":"cart","namespace":"shop","operation":"UPDATE","object":{"metadata":{"na`, full},
		{"names after the object are the object's sender's", `{"request":{"uid":"1","object":{},"namespace":"shop"}}`, head{uid: "1"}},
		{"a uid within another value", `{"request":{"options":{"uid":"2"},"uid":"1"}}`, head{uid: "1"}},
		{"a uid beside the request", `{"uid":"2","request":{"uid":"1"}}`, head{uid: "1"}},
		{"a name that is no text", `{"request":{"uid":"1","name":["x"],"namespace":"shop"}}`, head{uid: "1"}},
		{"a request that is no object", `{"request":"uid"}`, head{}},
		{"no object", `["request"]`, head{}},
		{"nothing", ``, head{}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			if diff := cmp.Diff(test.want, readHead([]byte(test.body)), cmp.AllowUnexported(head{})); diff != "" {
				t.Errorf("head (-want +got):\n%s", diff)
			}
		})
	}
}

// blocking is a policy set that evaluates a namespace's reviews when it is told to.
type blocking struct {
	namespace string
	begun     chan struct{}
	end       chan struct{}
}

func (b blocking) Evaluate(_ context.Context, in policy.Input) policy.Verdict {
	if in.Request["namespace"] == b.namespace {
		b.begun <- struct{}{}
		<-b.end
	}
	return policy.Verdict{}
}

// TestHandler_IsFair sends reviews that take long from one namespace, more than
// there are slots: another's are answered meanwhile, and the first's are denied beyond its share.
func TestHandler_IsFair(t *testing.T) {
	for reason, padding := range map[string]int{"small reviews": 0, "large reviews": smallReview} {
		t.Run(reason, func(t *testing.T) {
			slow := blocking{namespace: "slow", begun: make(chan struct{}, 100), end: make(chan struct{})}
			handler, _ := setting{phase: policy.Final, policies: slow}.handler(t)
			handler.Now, handler.Intake.Now = time.Now, time.Now
			send := func(namespace string) *httptest.ResponseRecorder {
				review := asked(writing(nil, with(manifest(t, "healthy"), func(d *appsv1.Deployment) {
					d.Annotations["padding"] = strings.Repeat("x", padding)
				})), func(r *admissionv1.AdmissionRequest) { r.Namespace = namespace })
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, ValidatePath+"?timeout=30s", bytes.NewReader(encode(t, review))))
				return answer
			}
			var answered sync.WaitGroup
			codes := make(chan int32, 100)
			for range 2 + 2*maxWaitingInNamespace {
				answered.Go(func() {
					response := responseIn(t, send("slow"), "review-1")
					if !response.Allowed {
						codes <- response.Result.Code
						return
					}
					codes <- http.StatusOK
				})
			}
			<-slow.begun
			if response := responseIn(t, send("quick"), "review-1"); !response.Allowed {
				t.Errorf("another namespace's review: %+v", response.Result)
			}
			close(slow.end)
			answered.Wait()
			close(codes)
			count := map[int32]int{}
			for code := range codes {
				count[code]++
			}
			if count[http.StatusOK] < 1+maxWaitingInNamespace || count[http.StatusOK]+count[http.StatusTooManyRequests] != 2+2*maxWaitingInNamespace {
				t.Errorf("answers = %v, want at least %d evaluated, and the others told to try again", count, 1+maxWaitingInNamespace)
			}
		})
	}
}

func TestUnevaluated_BusyTellsClientsToTryAgain(t *testing.T) {
	status := busy(fairqueue.ErrNamespaceBusy).response("1").Result
	if status.Code != http.StatusTooManyRequests || status.Reason != metav1.StatusReasonTooManyRequests || status.Details.RetryAfterSeconds != 1 {
		t.Errorf("status = %+v", status)
	}
}

// TestIntake_ReadsWhatAClientStillWrites checks over a connection that a client which writes more
// than is evaluated gets the answer, and no broken connection: to that the API server would apply
// the failure policy.
func TestIntake_ReadsWhatAClientStillWrites(t *testing.T) {
	handler, _ := setting{phase: policy.Final}.handler(t)
	handler.Now, handler.Intake.Now = time.Now, time.Now
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	for range 5 {
		body := `{"request":{"uid":"review-1","object":"` + strings.Repeat("<", 2*maxReview) + `"}}`
		answer, err := http.Post(server.URL+"?timeout=30s", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("HTTP %d", answer.StatusCode)
		}
	}
}

// TestIntake_GivesUpOnABodyThatDoesNotEnd holds connections open with half a review.
func TestIntake_GivesUpOnABodyThatDoesNotEnd(t *testing.T) {
	handler, _ := setting{phase: policy.Final}.handler(t)
	handler.Now, handler.Intake.Now = time.Now, time.Now
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	body, hold := newHanging(`{"request":{"uid":"review-1","object":"` + strings.Repeat("x", 2*smallReview))
	defer close(hold)
	answer, err := http.Post(server.URL+"?timeout=200ms", "application/json", body)
	if err == nil {
		_ = answer.Body.Close()
	}
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, namespace := range []string{"a", "b"} { // All large slots.
		if _, err := handler.Intake.large.Acquire(soon, fairqueue.Key{Namespace: namespace}); err != nil {
			t.Errorf("a slot is not free: %v", err)
		}
	}
}

// hanging is a body that ends when it is told to.
type hanging struct {
	text *strings.Reader
	hold chan struct{}
}

func newHanging(text string) (*hanging, chan struct{}) {
	h := &hanging{text: strings.NewReader(text), hold: make(chan struct{})}
	return h, h.hold
}

func (h *hanging) Read(p []byte) (int, error) {
	if h.text.Len() > 0 {
		return h.text.Read(p)
	}
	<-h.hold
	return 0, context.Canceled
}

func TestEncodeReview_Clean(t *testing.T) {
	const hostile = "a\x1b[31m pass\u200bword\x00=Hunter2leakZq9\n\u202e"
	encoded, err := encodeReview(&admissionv1.AdmissionResponse{
		Warnings: []string{hostile}, AuditAnnotations: map[string]string{"a": hostile},
		Result: &metav1.Status{Message: hostile, Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Message: hostile}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(encoded), `"a password=***"`); got != 4 || strings.Contains(string(encoded), "Hunter2") {
		t.Errorf("%d of 4 texts are clean: %s", got, encoded)
	}
}
