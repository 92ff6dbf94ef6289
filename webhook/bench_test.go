package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"reprise.dev/reprise/policy"
)

// BenchmarkHandler measures the webhook beside a hook of controller-runtime that
// does nothing but read the review and allow it, both over HTTP on loopback in one
// run. The metric times/nothing is the ratio of the two. test/tools/bench/admission
// measures the whole, on a real API server.
func BenchmarkHandler(b *testing.B) {
	body := string(encode(b, writing(nil, with(manifest(b, "healthy"), threeByTen))))
	nothing := httptest.NewServer(&admission.Webhook{Handler: admission.HandlerFunc(allowEverything)})
	defer nothing.Close()
	for _, rules := range []int{1, 10, 50} {
		handler, _ := setting{phase: policy.Final, policies: manyRules(b, rules)}.handler(b)
		server := httptest.NewServer(handler)
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			var ours, theirs time.Duration
			for b.Loop() {
				theirs += timed(b, nothing.URL, body)
				ours += timed(b, server.URL, body)
			}
			b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "reprise-µs/op")
			b.ReportMetric(float64(theirs.Microseconds())/float64(b.N), "nothing-µs/op")
			b.ReportMetric(float64(ours)/float64(theirs), "times/nothing")
		})
		server.Close()
	}
}

func timed(b *testing.B, url, body string) time.Duration {
	start := time.Now()
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(text), `"allowed":true`) {
		b.Fatalf("%s %v", text, err)
	}
	return time.Since(start)
}

// allowEverything returns a hook as plain as one can be.
func allowEverything(context.Context, admission.Request) admission.Response {
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Allowed: true}}
}

// manyRules copies one rule that looks at every container under many names.
func manyRules(b *testing.B, count int) *policy.Engine {
	var modules []policy.Module
	for number := range count {
		modules = append(modules, policy.Module{
			File: fmt.Sprintf("rule_%02d.rego", number),
			Rego: fmt.Sprintf(`package rule_%02d
deny contains msg if {
	some container in input.effective.pod.spec.containers
	some name, request in container.resources.requests
	k8s.quantity.compare(request, container.resources.limits[name]) > 0
	msg := sprintf("%%s: %%s", [container.name, name])
}`, number),
		})
	}
	return enginesOf(b, modules...)
}

// threeByTen returns a Deployment of 3 containers with 10 environment variables each.
func threeByTen(d *appsv1.Deployment) {
	d.Spec.Template.Spec.Containers = nil
	for _, name := range []string{"backend", "frontend", "proxy"} {
		container := corev1.Container{
			Name: name, Image: "registry.example.com/" + name + ":1.0.0",
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("200Mi")},
			},
		}
		for variable := range 10 {
			container.Env = append(container.Env, corev1.EnvVar{
				Name: fmt.Sprintf("VARIABLE_%02d", variable), Value: "a value of ordinary length",
			})
		}
		d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, container)
	}
}
