package history

import (
	"encoding/json"
	"slices"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/internal/oneline"
)

// The bounds of api/v1alpha1: in characters, of which a text has no more than bytes, and in items
// of lists.
const (
	maxHandle      = 128 // a hash, a resourceVersion or a field manager
	maxText        = 1024
	maxRequest     = 512
	maxMessage     = 4096 // what Kubernetes says of a pod, and a line of a log
	maxChangeLine  = 8192 // a line of a difference
	maxMounts      = 128
	maxListedFiles = 512
	maxRequests    = 32
	maxChanges     = 64
	maxPath        = 4096 // of a file in a container
	maxEvidence    = 16
	maxLog         = 64
	maxEvents      = 16

	// maxListBytes bounds a log, the Events of a pod and a difference.
	maxListBytes = 8 << 10
	// maxEvidenceBytes bounds all evidence of a revision, as JSON: SetSnapshot leaves room for it
	// in etcd.
	maxEvidenceBytes = 64 << 10
)

// MaxConfigMaps is how many ConfigMaps a failed revision refers to.
const MaxConfigMaps = 32

// Bound makes a revision fit to be stored. It hides credentials in whatever it says in plain fields
// and drops what controls a terminal. It cuts what is longer than the API server takes, so that no
// write fails for its length. Of texts the beginning stays, of lists of what happened the end.
func Bound(r *v1alpha1.WorkloadRevision) {
	s := &r.Spec
	for _, text := range []*string{&s.ResourceVersion, &s.FieldManager} {
		*text = plain(*text, maxHandle)
	}
	for _, text := range []*string{&s.Images, &s.ChangeSummary, &s.DeliveredBy, &s.ChangeCause} {
		*text = plain(*text, maxText)
	}
	// A pod template may name an object that cannot exist, and so says nothing of what runs.
	s.Files = slices.DeleteFunc(s.Files, func(f v1alpha1.RevisionFile) bool { return len(f.ConfigMapName) > maxName })
	s.Files = first(s.Files, maxListedFiles)
	for i := range s.Files {
		mounts := first(s.Files[i].Mounts, maxMounts)
		for j := range mounts {
			mounts[j].Path = oneline.CutBytes(oneline.Clean(mounts[j].Path), maxPath)
		}
		s.Files[i].Mounts = mounts
	}
	boundStatus(&r.Status)
}

func boundStatus(s *v1alpha1.WorkloadRevisionStatus) {
	for i := range s.Conditions {
		s.Conditions[i].Message = plain(s.Conditions[i].Message, maxText)
	}
	s.Requests = last(s.Requests, maxRequests)
	for i := range s.Requests {
		s.Requests[i].Message = plain(s.Requests[i].Message, maxText)
	}
	f := s.Failure
	if f == nil {
		return
	}
	f.Message = plain(f.Message, maxText)
	f.Changes = firstBytes(lines(first(f.Changes, maxChanges), maxChangeLine), maxListBytes)
	f.ConfigMaps = slices.DeleteFunc(f.ConfigMaps, func(c v1alpha1.ConfigMapDigest) bool { return len(c.Name) > maxName })
	f.ConfigMaps, f.Evidence = first(f.ConfigMaps, MaxConfigMaps), first(f.Evidence, maxEvidence)
	for i := range f.Evidence {
		e := &f.Evidence[i]
		e.Reason, e.Message = plain(e.Reason, maxText), plain(e.Message, maxMessage)
		e.Log, e.PreviousLog, e.Events = lastLines(e.Log, maxLog), lastLines(e.PreviousLog, maxLog), lastLines(e.Events, maxEvents)
	}
	for len(f.Evidence) > 1 && size(f.Evidence) > maxEvidenceBytes {
		f.Evidence = f.Evidence[:len(f.Evidence)-1] // The first tells most.
	}
	if size(f.Evidence) > maxEvidenceBytes { // Control characters take six bytes each in JSON.
		f.Evidence[0].Log, f.Evidence[0].PreviousLog, f.Evidence[0].Events = nil, nil, nil
	}
}

// BoundRequest returns a request, an annotation and its value, as a status keeps it.
func BoundRequest(annotation, value string) string {
	return plain(annotation+"="+value, maxRequest)
}

// plain returns a text as a revision keeps it: on one line, with credentials hidden, and of so many
// bytes.
func plain(text string, bytes int) string { return oneline.CutBytes(mask.Line(text), bytes) }

func size(evidence []v1alpha1.Evidence) int {
	encoded, err := json.Marshal(evidence)
	if err != nil {
		return 0 // It is texts and numbers.
	}
	return len(encoded)
}

func first[T any](list []T, n int) []T { return list[:min(len(list), n)] }

func last[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

// lastLines returns the last ones of a list, of so many bytes together.
func lastLines(all []string, n int) []string {
	all = lines(last(all, n), maxMessage)
	slices.Reverse(all)
	all = firstBytes(all, maxListBytes)
	slices.Reverse(all)
	return all
}

// firstBytes returns the first ones of a list, of so many bytes together.
func firstBytes(all []string, bytes int) []string {
	for i, line := range all {
		if bytes -= len(line); bytes < 0 {
			return all[:i]
		}
	}
	return all
}

func lines(all []string, bytes int) []string {
	for i := range all {
		all[i] = oneline.CutBytes(mask.Text(all[i]), bytes)
	}
	return all
}
