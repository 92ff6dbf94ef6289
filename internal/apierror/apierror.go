// Package apierror tells whether an error of the API server is an answer to the request, or says
// that the API server cannot answer it yet.
package apierror

import (
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// IsRefused reports whether a namespace refuses a request for now: by a quota, or by an admission
// policy. Somebody can change that.
//
// An API server that starts forbids requests too, for as long as its authorizer has not read the
// roles, or an admission plugin its objects. That says nothing about the request, and is not
// reported. Nor is it reported that Reprise lacks a role, which is the same answer.
func IsRefused(err error) bool {
	return apierrors.IsForbidden(err) && !unauthorized(err) && !notReady(err)
}

// IsRejected reports whether the API server would reject the same request again: by its validation,
// by a limit of its size, or because IsRefused.
func IsRejected(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err) || IsRefused(err)
}

// unauthorized reports whether the authorizer forbids a request. Only its message tells
// (forbiddenMessage in k8s.io/apiserver/pkg/endpoints/handlers/responsewriters). The messages of
// admission do not begin like that: a webhook's and a policy's begin with their names.
func unauthorized(err error) bool {
	_, reason, _ := strings.Cut(err.Error(), " is forbidden: ")
	return strings.HasPrefix(reason, "User ") && strings.Contains(reason, " cannot ")
}

// notReady reports whether an admission plugin that waits for its objects forbids a request
// (k8s.io/apiserver/pkg/admission).
func notReady(err error) bool {
	return strings.HasSuffix(err.Error(), " is forbidden: not yet ready to handle request")
}
