package guard

// stage is how far this process is with a rollback. The API's RollbackState is what is stored of
// it, which is coarser.
type stage string

const (
	// stageDue means that the rollback was decided, and nothing is written.
	stageDue stage = "Due"
	// stagePlanned means that it is written ahead into the failed revision, and was not checked
	// since: a new leader finds it so.
	stagePlanned stage = "Planned"
	// stageExecuting means that it was checked, and that files, intent and ownership are written.
	stageExecuting stage = "Executing"
	// stageDone means that everything is restored.
	stageDone stage = "Done"
	// stageHeld means that it is deliberately not done.
	stageHeld stage = "Held"
)

// atRest reports whether nothing more is to be done for now.
func (s stage) atRest() bool { return s == stageDone || s == stageHeld }
