package apierror

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestIsRefused(t *testing.T) {
	revisions := schema.GroupResource{Group: "reprise.dev", Resource: "workloadrevisions"}
	forbidden := func(text string) error { return apierrors.NewForbidden(revisions, "app-7", errors.New(text)) }
	for name, tt := range map[string]struct {
		reason            string
		err               error
		refused, rejected bool
	}{
		"None":    {"there is no error", nil, false, false},
		"Quota":   {"a quota", forbidden("exceeded quota: count, requested: count/workloadrevisions.reprise.dev=1, used: 5, limited: 5"), true, true},
		"Webhook": {"a webhook denies, and quotes an authorizer", forbidden(`admission webhook "x.example.com" denied the request: User "y" cannot get resource "z"`), true, true},
		"Policy":  {"a ValidatingAdmissionPolicy denies", forbidden(`ValidatingAdmissionPolicy 'x' with binding 'y' denied request: it is forbidden: User "y" cannot do so`), true, true},
		"Roles": {
			"the API server has not read the roles: its words, seen when it started",
			forbidden(`User "system:serviceaccount:reprise-system:reprise" cannot get resource "workloadrevisions" in API group "reprise.dev" in the namespace "shop"`),
			false, false,
		},
		"RolesWrapped": {"the same, with what was being done", fmt.Errorf("reading revision app-6: %w", forbidden(`User "x" cannot get resource "workloadrevisions"`)), false, false},
		"Plugin":       {"an admission plugin is not ready", forbidden("not yet ready to handle request"), false, false},
		"Invalid":      {"validation", apierrors.NewInvalid(schema.GroupKind{Kind: "Deployment"}, "app", nil), false, true},
		"BadRequest":   {"a malformed request", apierrors.NewBadRequest("x"), false, true},
		"TooLarge":     {"a limit", apierrors.NewRequestEntityTooLargeError("x"), false, true},
		"NotFound":     {"an object is gone", apierrors.NewNotFound(corev1.Resource("namespaces"), "shop"), false, false},
		"Busy":         {"the API server is busy", apierrors.NewTooManyRequestsError("x"), false, false},
		"Server":       {"the API server fails", apierrors.NewGenericServerResponse(http.StatusServiceUnavailable, "get", revisions, "", "", 0, true), false, false},
	} {
		if got := IsRefused(tt.err); got != tt.refused {
			t.Errorf("%s: %s: refused %v", name, tt.reason, got)
		}
		if got := IsRejected(tt.err); got != tt.rejected {
			t.Errorf("%s: %s: rejected %v", name, tt.reason, got)
		}
	}
}
