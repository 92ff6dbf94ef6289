package rollback

// State is how far a rollback is.
type State string

const (
	// Due means that it was decided, and nothing is written.
	Due State = "Due"
	// Planned means that it is written ahead into the failed revision, and was not checked since: a
	// new leader finds it so.
	Planned State = "Planned"
	// Executing means that it was checked, and that files, intent and ownership are written.
	Executing State = "Executing"
	// Done means that everything is restored.
	Done State = "Done"
	// Held means that it is deliberately not done.
	Held State = "Held"
)

// AtRest reports whether nothing more is to be done for now.
func (s State) AtRest() bool { return s == Done || s == Held }
