package admission

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A user who errs must meet the API server's own words, never those of an expression that could not
// be evaluated.
func malformed(t *testing.T, h hooked) {
	const metadata = `"metadata":{"name":"stored","annotations":{"k8s.score.dev/workload-name":"stored"}}`
	container := func(resources string) string {
		return metadata + `,"spec":{"selector":{"matchLabels":{"app":"stored"}},"template":{"metadata":{"labels":{"app":"stored"}},` +
			`"spec":{"containers":[{"name":"app","image":"a:1","resources":` + resources + `}]}}}`
	}
	volumes := func(volumes string) string {
		return metadata + `,"spec":{"selector":{"matchLabels":{"app":"stored"}},"template":{"metadata":{"labels":{"app":"stored"}},` +
			`"spec":{"volumes":` + volumes + `,"containers":[{"name":"app","image":"a:1"}]}}}`
	}
	selector := func(selector string) string {
		return metadata + `,"spec":{"selector":` + selector + `,"template":{"metadata":{"labels":{"app":"stored"}},` +
			`"spec":{"containers":[{"name":"app","image":"a:1"}]}}}`
	}
	for name, fields := range map[string]string{
		"NoSpec":                metadata,
		"NullSpec":              metadata + `,"spec":null`,
		"EmptySpec":             metadata + `,"spec":{}`,
		"NullTemplate":          metadata + `,"spec":{"template":null}`,
		"NoPodSpec":             metadata + `,"spec":{"template":{"metadata":{"labels":{"app":"stored"}}}}`,
		"NullPodSpec":           metadata + `,"spec":{"template":{"spec":null}}`,
		"NoContainers":          metadata + `,"spec":{"template":{"spec":{}}}`,
		"NullContainers":        metadata + `,"spec":{"template":{"spec":{"containers":null,"initContainers":null}}}`,
		"EmptyContainers":       metadata + `,"spec":{"template":{"spec":{"containers":[],"initContainers":[]}}}`,
		"NullContainer":         metadata + `,"spec":{"template":{"spec":{"containers":[null]}}}`,
		"EmptyContainer":        metadata + `,"spec":{"template":{"spec":{"containers":[{}],"initContainers":[{}]}}}`,
		"NullResources":         container(`null`),
		"NullRequests":          container(`{"requests":null,"limits":null}`),
		"NullQuantity":          container(`{"requests":{"memory":null},"limits":{"memory":null}}`),
		"RequestsWithoutLimits": container(`{"requests":{"memory":"1Gi"}}`),
		"LimitsOfAnother":       container(`{"requests":{"memory":"1Gi"},"limits":{"cpu":"1"}}`),
		"Numbers":               container(`{"requests":{"memory":100,"cpu":0.5},"limits":{"memory":200,"cpu":1}}`),
		"NumbersOverLimit":      container(`{"requests":{"memory":300,"cpu":1.5},"limits":{"memory":200,"cpu":1}}`),
		"InvalidQuantity":       container(`{"requests":{"memory":"much"},"limits":{"memory":"more"}}`),
		"EmptyQuantity":         container(`{"requests":{"memory":""},"limits":{"memory":"1Gi"}}`),
		"NegativeQuantity":      container(`{"requests":{"memory":"-1"},"limits":{"memory":"-2"}}`),
		"HugeQuantity":          container(`{"requests":{"memory":"1e999"},"limits":{"memory":"99999999999999999999E"}}`),
		"WrongTypes":            container(`"none"`),
		"NullVolumes":           volumes(`null`),
		"EmptyVolumes":          volumes(`[]`),
		"NullVolume":            volumes(`[null]`),
		"TwoNullVolumes":        volumes(`[null,null]`),
		"VolumesWithoutName":    volumes(`[{"emptyDir":{}},{"emptyDir":{}}]`),
		"NullVolumeNames":       volumes(`[{"name":null},{"name":null},{"name":"a"}]`),
		"NumberAsVolumeName":    volumes(`[{"name":1},{"name":1}]`),
		"VolumesAsMap":          volumes(`{"a":{}}`),
		"DuplicateVolumes":      volumes(`[{"name":"a"},{"name":"a","emptyDir":{}}]`),
		"ThousandVolumes":       volumes(`[` + strings.Repeat(`{"name":"a"},`, 999) + `{}]`),
		"NoSelector":            metadata + `,"spec":{"template":{"spec":{"containers":[{"name":"app","image":"a:1"}]}}}`,
		"NullSelector":          selector(`null`),
		"EmptySelector":         selector(`{}`),
		"NullMatchLabels":       selector(`{"matchLabels":null,"matchExpressions":null}`),
		"NullMatchLabel":        selector(`{"matchLabels":{"app":null}}`),
		"NumberAsMatchLabel":    selector(`{"matchLabels":{"app":1}}`),
		"SelectorAsText":        selector(`"app=stored"`),
		"EmptyMatchExpression":  selector(`{"matchExpressions":[{}]}`),
		"NullMetadata":          `"metadata":null,"spec":{}`,
		"NullMaps":              `"metadata":{"name":"stored","annotations":null,"labels":null},"spec":{"template":{"spec":{}}}`,
		"NullAnnotation":        `"metadata":{"name":"stored","annotations":{"k8s.score.dev/workload-name":null}},"spec":{}`,
		"NumberAsMarker":        `"metadata":{"name":"stored","annotations":{"k8s.score.dev/workload-name":1}},"spec":{}`,
	} {
		stored := "m-" + strings.ToLower(name)
		body := `{"apiVersion":"apps/v1","kind":"Deployment",` + strings.Replace(fields, `"name":"stored"`, `"name":"`+stored+`"`, 1) + `}`
		fresh := strings.Replace(body, stored, "new-"+stored, 1)
		t.Run(name, func(t *testing.T) {
			if _, err := h.client.AppsV1().Deployments("default").Create(t.Context(), marked(stored), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			rest := h.client.AppsV1().RESTClient()
			for how, err := range map[string]error{
				"create": rest.Post().Namespace("default").Resource("deployments").Body([]byte(fresh)).Do(t.Context()).Error(),
				"update": rest.Put().Namespace("default").Resource("deployments").Name(stored).Body([]byte(body)).Do(t.Context()).Error(),
				"merge patch": rest.Patch(types.MergePatchType).Namespace("default").Resource("deployments").Name(stored).
					Body([]byte(body)).Do(t.Context()).Error(),
				"apply": rest.Patch(types.ApplyYAMLPatchType).Namespace("default").Resource("deployments").Name(stored).
					Param("fieldManager", "test").Param("force", "true").Body([]byte(body)).Do(t.Context()).Error(),
			} {
				ownWords(t, how, err)
			}
		})
	}
}

// ownWords fails the test unless the API server accepted the request, or refused it by decoding
// (400; 500 for some server-side applies) or validating it (422). An expression that cannot be
// evaluated refuses with 403.
func ownWords(t *testing.T, how string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		t.Errorf("%s: %v is no answer of the API server", how, err)
		return
	}
	switch status.Status().Code {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError:
	default:
		t.Errorf("%s: %d %.300s", how, status.Status().Code, status.Status().Message)
	}
}
