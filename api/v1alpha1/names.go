package v1alpha1

// Prefix is the prefix of every label and annotation of Reprise.
const Prefix = "reprise.dev/"

// The settings of a workload: annotations of its Deployment or its namespace, and the label that
// turns Reprise on or off.
const (
	GuardLabel                = Prefix + "guard"
	RollbackAnnotation        = Prefix + "rollback"
	BakeTimeAnnotation        = Prefix + "bake-time"
	FailureDeadlineAnnotation = Prefix + "failure-deadline"
	HistoryLimitAnnotation    = Prefix + "history-limit"
	QuarantineAnnotation      = Prefix + "quarantine"
)

// The requests: annotations of a Deployment, for which the right to patch it is enough. Each value
// is answered once, in a revision's status.requests.
const (
	// RollbackToAnnotation asks to restore a revision: 4@5 restores 4, and is rejected unless 5 is
	// live.
	RollbackToAnnotation = Prefix + "rollback-to"
	// RetryAnnotation asks to lift the quarantine of the failed revision of this number.
	RetryAnnotation = Prefix + "retry"
)

// RedactAnnotation of a WorkloadRevision asks Reprise to remove everything from it that was
// deployed or said, for the reason that the value gives. It needs the right "redact" on
// WorkloadRevisions.
const RedactAnnotation = Prefix + "redact"

// Redacted is the text, and the encoding of a snapshot, in the place of what was redacted.
const Redacted = "redacted"

// The annotations that Reprise writes.
const (
	// EmittedEventsAnnotation of a WorkloadRevision lists the Events about it that Reprise wrote.
	EmittedEventsAnnotation = Prefix + "emitted-events"
	// DenialAnnotation of an Event has a Denial as JSON, for which the Event's line has no room. The
	// reasons of such Events are AdmissionDenied, TemplateQuarantined and AdmissionUnchecked.
	DenialAnnotation = Prefix + "denial"
	// CheckpointAnnotation of the recorder's Lease has the resourceVersion up to which every change is
	// recorded.
	CheckpointAnnotation = Prefix + "recorded-up-to"
)

// LeaseName is the name of the Lease of Reprise's leader, in the install's namespace. Everyone may
// read the Lease: it shows that Reprise runs, and its label shows the version. The recorder keeps
// its checkpoint in another Lease beside it.
const LeaseName = "reprise"

// DefaultsConfigMap is the name of the ConfigMap, in the install's namespace, with the settings of
// a workload without annotations, as in the configuration file. Everyone may read it.
const DefaultsConfigMap = "reprise-defaults"

// DefaultsKey is its key.
const DefaultsKey = "defaults.yaml"
