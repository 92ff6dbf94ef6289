package story

import (
	"fmt"
	"strings"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/workload"
)

// Diagnosis is all that is known of why a revision failed.
type Diagnosis struct {
	Workload Workload
	Revision *v1alpha1.WorkloadRevision
	// Changes are what it changed against the revision that status.failure.comparedWith names, read
	// from both snapshots; nil where they cannot be read any more, and the lines that were noted then
	// are shown.
	Changes diff.Changes
}

// Why returns the diagnosis on one screen: the failure, its cause, the changes, the evidence, the
// events, and what to do next.
func (d Diagnosis) Why(look Terminal, now time.Time) string {
	p := page{look: look}
	d.head(&p, now)
	if !d.conclusive() {
		return p.String()
	}
	d.changes(&p)
	d.evidence(&p)
	d.events(&p)
	d.next(&p, now)
	return p.String()
}

// conclusive reports whether there is something to diagnose: the revision failed, or its rollback
// is on hold.
func (d Diagnosis) conclusive() bool {
	return d.Revision.HasFailed() || d.Revision.RollbackHold() != nil
}

// Core returns the diagnosis for the log of a pipeline: the failure, its cause, the changes and the
// evidence.
func (d Diagnosis) Core(look Terminal, now time.Time) string {
	p := page{look: look}
	d.head(&p, now)
	if d.conclusive() {
		d.changes(&p)
		d.evidence(&p)
		p.title("More:")
		p.line("  " + d.Workload.command("why", d.Revision.Spec.Number))
	}
	return p.String()
}

// head is what became of the revision, and the causal line.
func (d Diagnosis) head(p *page, now time.Time) {
	r, w := d.Revision, d.Workload
	text := fmt.Sprintf("%s #%d has been %s for %s", w.Name, r.Spec.Number, phase(r), age(since(r), now))
	plan := r.Status.Rollback
	switch {
	case r.HasFailed() && r.IsRollbackDone():
		text = fmt.Sprintf("%s #%d failed %s ago and was rolled back to #%d, %s after it was deployed", w.Name, r.Spec.Number,
			age(since(r), now), plan.ToRevision, span(r.Spec.AcceptedTime.Time, plan.CompletionTime.Time))
	case r.HasFailed() && r.IsRollbackOpen():
		text = fmt.Sprintf("%s #%d failed %s ago and is being rolled back to #%d", w.Name, r.Spec.Number, age(since(r), now), plan.ToRevision)
	case r.HasFailed():
		text = fmt.Sprintf("%s #%d failed %s ago", w.Name, r.Spec.Number, age(since(r), now))
	case r.IsRollbackDone():
		text = fmt.Sprintf("%s #%d did not fail: it was rolled back to #%d, requested by %s", w.Name, r.Spec.Number, plan.ToRevision, mask.Line(plan.Request))
	}
	p.prose("", "", bold, text)
	if message := r.FailureMessage(); message != "" {
		p.prose("\n", "  ", ofPhase(phase(r)), mask.Line(message))
	}
	if r.RollbackHold() != nil {
		p.prose("\n", "  ", yellow, "Rollback on hold: "+mask.Line(r.HoldMessage()))
	}
}

// changes are what it changed against the last healthy revision.
func (d Diagnosis) changes(p *page) {
	f := d.Revision.Status.Failure
	if f == nil || f.ComparedWith == 0 {
		return
	}
	p.title(fmt.Sprintf("Changes since #%d, which was healthy:", f.ComparedWith))
	if d.Changes == nil {
		for _, line := range f.Changes {
			p.line("  " + mask.Text(line))
		}
		return
	}
	width := 0
	if p.look.Width > 0 {
		width = max(p.look.Width-2, 20)
	}
	text := d.Changes.Long(diff.LongOptions{Color: p.look.Color, Width: width})
	for line := range strings.Lines(text) {
		p.write("  " + line)
	}
}

// events tell in order what happened.
func (d Diagnosis) events(p *page) {
	r, w := d.Revision, d.Workload
	p.title("Events:")
	at := func(t time.Time, text string) {
		head := t.UTC().Format("15:04:05 MST")
		if after := t.Sub(r.Spec.AcceptedTime.Time); after > 0 {
			head = "+" + span(r.Spec.AcceptedTime.Time, t)
		}
		p.line(fmt.Sprintf("  %-14s %s", head, text))
	}
	by := r.Spec.FieldManager
	if r.Spec.DeliveredBy != "" {
		by += ", " + r.Spec.DeliveredBy
	}
	at(r.Spec.AcceptedTime.Time, fmt.Sprintf("#%d was deployed by %s", r.Spec.Number, mask.Line(by)))
	plan := r.Status.Rollback
	if plan == nil {
		if r.HasFailed() {
			at(since(r), "it failed")
		}
		return
	}
	if r.HasFailed() && plan.Request == "" {
		at(plan.StartTime.Time, fmt.Sprintf("it failed; the rollback to #%d began", plan.ToRevision))
	}
	if r.IsRollbackDone() {
		at(plan.CompletionTime.Time, fmt.Sprintf("the rollback to #%d was complete", plan.ToRevision))
	}
	if put := w.restored(r); put != nil {
		text := fmt.Sprintf("it runs as #%d, which is %s", put.Spec.Number, phase(put))
		at(since(put), text)
	}
}

// next says what to do.
func (d Diagnosis) next(p *page, now time.Time) {
	r, w := d.Revision, d.Workload
	p.title("What to do next:")
	live := w.Live()
	if w.recovered(r) {
		p.fold(fmt.Sprintf("Nothing: #%d runs now and is Healthy.", live.Spec.Number))
		return
	}
	if r.HasExternalCause() {
		p.fold("The cause may be outside of the deployment, such as a Secret or a registry. If you have fixed it there, apply the same manifests again.")
	}
	target := w.RollbackTarget()
	if live != nil && live.Spec.Number == r.Spec.Number && w.Settings.Rollback == workload.ModeManual && target != nil {
		p.fold(fmt.Sprintf("Roll back to #%d, or deploy a fix:", target.Spec.Number))
		p.line("    " + w.command("rollback"))
		return
	}
	quarantined, until := w.Quarantined(now)
	if quarantined == nil || quarantined.Spec.Number != r.Spec.Number {
		p.fold("Deploy a fix.")
		return
	}
	p.fold(fmt.Sprintf("Deploy a fix. The pod template is quarantined for %s more. To try it again before that:", age(now, until)))
	p.line("    " + w.command("retry"))
}

// span returns how long something took, to the second.
func span(from, to time.Time) string { return to.Sub(from).Round(time.Second).String() }
