package v1alpha1

// DenialAnnotation of an Event about a workload holds a Refusal as JSON: what the one line of the Event has no room for.
// The reasons of such Events are AdmissionDenied, Quarantined and AdmissionUnchecked.
const DenialAnnotation = "reprise.dev/denial"

// Denial is a change of a live workload that admission refused, or let through without being able to judge it whole.
// Credentials are masked.
//
// +kubebuilder:object:generate=false
type Denial struct {
	// Violations are what is wrong with it, or what could not be judged.
	Violations []Violation `json:"violations,omitempty"`
	// More is how many further ones there are.
	More int `json:"more,omitempty"`
	// Changes are what it would have changed of what ran, a line each.
	Changes []string `json:"changes,omitempty"`
	// Failed is the revision as which its pod template failed before, where it was refused for that.
	Failed int64 `json:"failed,omitempty"`
	// ResourceVersion is that of the workload that ran, and IntentHash identifies what was asked for.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	IntentHash      string `json:"intentHash,omitempty"`
	// Files are those of Score's that were changed already.
	Files []string `json:"files,omitempty"`
}

// Violation is one thing that one policy objects to, or why it could not be judged.
//
// +kubebuilder:object:generate=false
type Violation struct {
	Policy string `json:"policy,omitempty"`
	// Field is named in Score's terms, where it has one there.
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	// Fix is what to change.
	Fix string `json:"fix,omitempty"`
}
