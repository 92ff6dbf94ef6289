package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/internal/fairqueue"
	"reprise.dev/reprise/internal/mask"
)

const (
	// maxReview is the longest review that is evaluated, in bytes. etcd stores no object over 1.5
	// MiB by default (--max-request-bytes), a review of an update holds two, and the API server
	// writes a character such as < as six bytes (encoding/json).
	maxReview = 2*6*(3<<20)/2 + maxHead
	// smallReview is the length up to which a review is read before its turn, in bytes.
	smallReview = 128 << 10
	// maxHead is how much of a review may stand before its objects, in bytes.
	maxHead = 64 << 10
	// maxDrained is how much of a denied review is read and dropped, in bytes: more than the API
	// server ever sends, as it takes no object over 3 MiB (k8s.io/apiserver/pkg/server).
	maxDrained = 64 << 20
	// largeSlots is how many reviews over smallReview are read and evaluated at once. It bounds the
	// memory that they take.
	largeSlots = 2
	// maxWaiting is how many reviews wait for their turn, and maxWaitingInNamespace how many of one
	// namespace. Further ones are denied, and the deployer's client tries again.
	maxWaiting            = 512
	maxWaitingInNamespace = 32
	// maxOpenPerSource is how many requests of one address are read or evaluated at once.
	maxOpenPerSource = maxWaiting + 128
)

// IntakeConfig is what an Intake works with. All of it is required but Log.
type IntakeConfig struct {
	// Unevaluated counts a review that is denied without an evaluation, by reason: too-large, busy,
	// malformed or panic. It must not block.
	Unevaluated func(reason string)
	Now         func() time.Time
	Log         logr.Logger
}

// Intake reads reviews and lets a bounded number of them be evaluated at once, in turns by their
// namespaces. One Intake serves all handlers of a process.
type Intake struct {
	IntakeConfig
	small, large *fairqueue.Queue
	// open has the requests of each address that are read or evaluated.
	open *fairqueue.Limit
}

// NewIntake returns an Intake for this machine.
func NewIntake(c IntakeConfig) *Intake {
	return &Intake{
		IntakeConfig: c,
		small:        newQueue(max(4, 2*runtime.GOMAXPROCS(0))),
		large:        newQueue(largeSlots),
		open:         fairqueue.NewLimit(maxOpenPerSource),
	}
}

// newQueue returns a queue of so many slots, of which one namespace may hold a quarter, but at
// least one.
func newQueue(slots int) *fairqueue.Queue {
	return fairqueue.New(fairqueue.Limits{
		Slots: slots, PerKey: max(1, slots/4), Waiting: maxWaiting, WaitingPerKey: maxWaitingInNamespace,
	})
}

// answerer evaluates a review. Its error is why the review cannot be read.
type answerer func(ctx context.Context, body []byte) (*admissionv1.AdmissionResponse, error)

// serve answers one request. A review that meets a limit, that cannot be read or whose evaluation
// panics is denied. Only where not even its uid can be read is the answer HTTP 400, to which the
// API server applies the failure policy: it sends no such reviews.
func (i *Intake) serve(w http.ResponseWriter, request *http.Request, answer answerer) {
	t, err := i.take(w, request)
	var response *admissionv1.AdmissionResponse
	if err == nil {
		response, err = i.evaluate(request, t, answer)
	}
	if err != nil {
		// A client that still writes its request would not read the answer.
		_, _ = io.Copy(io.Discard, io.LimitReader(request.Body, maxDrained))
		response, err = i.deny(t.head, err)
	}
	if err != nil {
		http.Error(w, "reprise: "+err.Error(), http.StatusBadRequest)
		return
	}
	encoded, err := encodeReview(response)
	if err != nil { // A response is plain data; this is for a defect.
		i.Log.Error(err, "Encoding the answer to an admission review")
		http.Error(w, "reprise: encoding the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(encoded); err != nil {
		i.Log.Error(err, "Writing the answer to an admission review")
	}
}

// encodeReview returns the body of an answer, whose text a terminal shows.
func encodeReview(response *admissionv1.AdmissionResponse) ([]byte, error) {
	clean(response)
	return json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Response: response,
	})
}

// clean hides credentials in the text of an answer and drops what controls a terminal: names and
// values of the review may be in it.
func clean(response *admissionv1.AdmissionResponse) {
	for i, warning := range response.Warnings {
		response.Warnings[i] = mask.Line(warning)
	}
	for key, value := range response.AuditAnnotations {
		response.AuditAnnotations[key] = mask.Line(value)
	}
	if response.Result == nil {
		return
	}
	response.Result.Message = mask.Line(response.Result.Message)
	if details := response.Result.Details; details != nil {
		for i := range details.Causes {
			details.Causes[i].Message = mask.Line(details.Causes[i].Message)
		}
	}
}

// evaluate calls the answerer during a review's turn.
func (i *Intake) evaluate(request *http.Request, t taken, answer answerer) (response *admissionv1.AdmissionResponse, err error) {
	defer t.release()
	defer func() {
		if cause := recover(); cause != nil {
			i.Log.Error(fmt.Errorf("panic: %v", cause), "Answering an admission review", "stack", string(debug.Stack()))
			err = &unevaluated{reason: deniedPanic, message: "the change cannot be checked because of an internal error of Reprise; its log has the cause, tell your cluster's administrator"}
		}
	}()
	// The API server's call ends with its timeout, not with this process's
	// shutdown: a review that has arrived is answered.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(request.Context()), t.limit)
	defer cancel()
	response, err = answer(ctx, t.body)
	if err != nil {
		return nil, malformed(err)
	}
	return response, nil
}

// deny returns the answer to a review that is not evaluated; an error where there is no review
// that it could answer.
func (i *Intake) deny(h head, err error) (*admissionv1.AdmissionResponse, error) {
	var why *unevaluated
	if !errors.As(err, &why) {
		why = malformed(err)
	}
	i.Unevaluated(why.reason)
	i.Log.Info("Denied without an evaluation", "uid", h.uid, "operation", h.operation, "namespace", h.namespace, "workload", h.name,
		"reason", why.reason, "message", mask.Line(why.message))
	if h.uid == "" {
		return nil, why
	}
	return why.response(h.uid), nil
}

// taken is a review whose turn it is.
type taken struct {
	head
	body []byte
	// limit is how long its evaluation may take.
	limit time.Duration
	// release ends its turn. It is never nil.
	release func()
}

// take reads the review of a request and waits for its turn, until half of the time for an answer
// is over: the other half is for its evaluation. Its head is returned also beside an error, as far
// as it could be read.
func (i *Intake) take(w http.ResponseWriter, request *http.Request) (taken, error) {
	arrived := i.Now()
	limit := deadline(request.URL)
	// A body that never ends must not hold a turn. A test's recorder knows no deadline.
	if err := http.NewResponseController(w).SetReadDeadline(arrived.Add(limit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return taken{}, fmt.Errorf("limiting the time to read the AdmissionReview: %w", err)
	}
	source := sourceOf(request)
	if !i.open.Enter(source) {
		prefix, _ := read(request.Body, nil, maxHead)
		return taken{head: readHead(prefix)}, busy(fairqueue.ErrBusy)
	}
	t, err := i.queue(request, source, limit/2)
	if err != nil {
		i.open.Leave(source)
		return t, err
	}
	turn := t.release
	t.release = func() {
		turn()
		i.open.Leave(source)
	}
	t.limit = limit - i.Now().Sub(arrived)
	return t, nil
}

func (i *Intake) queue(request *http.Request, source string, patience time.Duration) (taken, error) {
	body, err := read(request.Body, make([]byte, 0, max(512, min(request.ContentLength+1, smallReview+1))), smallReview+1)
	t := taken{head: readHead(body), body: body}
	if err != nil {
		return t, fmt.Errorf("reading the AdmissionReview: %w", err)
	}
	queue := i.small
	if len(body) > smallReview {
		queue = i.large
		if request.ContentLength > maxReview {
			return t, tooLarge(request.ContentLength)
		}
	}
	ctx, cancel := context.WithTimeout(request.Context(), patience)
	defer cancel()
	if t.release, err = queue.Acquire(ctx, fairqueue.Key{Source: source, Namespace: t.namespace}); err != nil {
		return t, busy(err)
	}
	if queue == i.small {
		return t, nil
	}
	t.body, err = read(request.Body, body, maxReview+1)
	if err == nil && len(t.body) > maxReview {
		err = tooLarge(-1)
	} else if err != nil {
		err = fmt.Errorf("reading the AdmissionReview: %w", err)
	}
	if err != nil {
		t.release()
	}
	return t, err
}

// read appends to a buffer until it has so many bytes, or the reader ends.
func read(r io.Reader, into []byte, most int64) ([]byte, error) {
	buffer := bytes.NewBuffer(into)
	_, err := io.Copy(buffer, io.LimitReader(r, most-int64(len(into))))
	return buffer.Bytes(), err
}

// sourceOf returns the address that a request comes from, without its port.
func sourceOf(request *http.Request) string {
	host, _, err := net.SplitHostPort(request.RemoteAddr)
	if err != nil {
		return request.RemoteAddr
	}
	return host
}
