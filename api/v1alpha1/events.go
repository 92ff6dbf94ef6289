package v1alpha1

// EventReason is the reason of an Event that Reprise writes. The list is closed, so that users can
// filter and alert.
type EventReason string

// The reasons. Those of a workload's Events come first, then those of the install's.
const (
	EventRevisionRecorded EventReason = "RevisionRecorded"
	EventRevisionHealthy  EventReason = "RevisionHealthy"
	EventRevisionFailed   EventReason = "RevisionFailed"
	EventRolledBack       EventReason = "RolledBack"
	EventRollbackHeld     EventReason = "RollbackHeld"
	// EventRollbackFailed reports a rollback that is not complete after a while. Reprise retries it.
	EventRollbackFailed  EventReason = "RollbackFailed"
	EventAdmissionDenied EventReason = "AdmissionDenied"
	// EventAdmissionUnchecked reports a change that was admitted although not every policy could be
	// evaluated.
	EventAdmissionUnchecked  EventReason = "AdmissionUnchecked"
	EventTemplateQuarantined EventReason = "TemplateQuarantined"
	EventFieldsLeftBehind    EventReason = "FieldsLeftBehind"
	EventRecordingFailed     EventReason = "RecordingFailed"
	EventRetryAccepted       EventReason = "RetryAccepted"
	EventRequestRejected     EventReason = "RequestRejected"

	// EventPolicyInvalid reports a ConfigMap with invalid policies.
	EventPolicyInvalid EventReason = "PolicyInvalid"
	// EventPolicyIneffective reports a ConfigMap with policies of which a part has no effect.
	EventPolicyIneffective EventReason = "PolicyIneffective"
	// EventConfigurationInvalid reports a configuration file that is not active as it is.
	EventConfigurationInvalid EventReason = "ConfigurationInvalid"
	// EventCertificateNotReady reports a serving certificate that the API server does not trust.
	EventCertificateNotReady EventReason = "CertificateNotReady"
	// EventCertificateExpiring reports a serving certificate whose renewal is overdue.
	EventCertificateExpiring EventReason = "CertificateExpiring"
)
