package v1alpha1

// Denial is a change of a live workload that admission denied, or admitted without being able to
// evaluate every policy. An Event keeps it as JSON in DenialAnnotation. Credentials are masked.
//
// +kubebuilder:object:generate=false
type Denial struct {
	// violations are what is wrong with the change, or what could not be evaluated.
	Violations []Violation `json:"violations,omitempty"`
	// more is how many further violations there are.
	More int32 `json:"more,omitempty"`
	// changes are what it would have changed of what ran, a line each.
	Changes []string `json:"changes,omitempty"`
	// failed is the number of the revision with the same pod template that failed before, if that is
	// why it was denied.
	Failed int64 `json:"failed,omitempty"`
	// resourceVersion is the resourceVersion of the workload that ran.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// intentHash identifies the intent that was applied.
	IntentHash string `json:"intentHash,omitempty"`
	// files are Score's files that had changed already.
	Files []string `json:"files,omitempty"`
}

// Violation is one violation of one policy, or why the policy could not be evaluated.
//
// +kubebuilder:object:generate=false
type Violation struct {
	// policy is the name of the policy.
	Policy string `json:"policy,omitempty"`
	// field is the name of the field, in Score's terms if it has one there.
	Field string `json:"field,omitempty"`
	// message says what is wrong.
	Message string `json:"message"`
	// fix says what to change.
	Fix string `json:"fix,omitempty"`
}
