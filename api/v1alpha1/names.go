package v1alpha1

// ToldEventsAnnotation of a WorkloadRevision lists the Events about it that Reprise wrote. It belongs to Reprise.
const ToldEventsAnnotation = "reprise.dev/told-events"
