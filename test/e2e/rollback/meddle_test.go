package rollback

import (
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// meddle does what somebody does meanwhile. What has to wait goes on in the background.
func (r *run) meddle() {
	r.note("meanwhile " + string(r.upset))
	switch r.upset {
	case fixSlowly:
		if err := r.apply(repair.files(r.namespace)[0]); err != nil {
			r.fixLater(0)
			return
		}
		r.fixLater(r.lasts)
	case fix:
		if !r.fixNow() {
			r.fixLater(0)
		}
	case remove, remake:
		for _, o := range repair.objects(r.namespace, r.files) {
			if err := r.api.Delete(r.Context(), o); client.IgnoreNotFound(err) != nil {
				r.Error(err)
			}
		}
		if r.upset == remake && !r.fixNow() {
			r.fixLater(0)
		}
	}
}

// fixLater deploys the fix after a while, and again as long as it is refused for a conflict, as
// people and pipelines do.
func (r *run) fixLater(after time.Duration) {
	r.meanwhile.Go(func() {
		for wait := after; r.Context().Err() == nil; wait = 500 * time.Millisecond {
			r.wait(wait)
			if r.fixNow() {
				return
			}
		}
	})
}

func (r *run) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// fixNow deploys the fix, and says whether it was taken.
func (r *run) fixNow() bool {
	for _, o := range repair.objects(r.namespace, r.files) {
		if err := r.apply(o); err != nil {
			first, _, _ := strings.Cut(err.Error(), "\n")
			r.note("the fix is refused: " + first)
			if !apierrors.IsConflict(err) {
				r.Error(err)
			}
			return false
		}
	}
	s, err := r.read()
	if err != nil || s.deployment == nil {
		r.Errorf("reading the fix: %v", err)
		return false
	}
	r.mu.Lock()
	r.fixed = s.hash()
	r.mu.Unlock()
	r.note("the fix is deployed at resourceVersion " + s.deployment.ResourceVersion)
	return true
}
