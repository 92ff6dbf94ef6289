package story

import (
	"fmt"
	"strings"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/internal/oneline"
	"reprise.dev/reprise/workload"
)

// Diagnosis is all that is known of why a revision failed.
type Diagnosis struct {
	Workload Workload
	Revision *v1alpha1.WorkloadRevision
	// Changes are what it changed against the revision that status.diffAgainst names, read from both snapshots; nil
	// where they cannot be read any more, and the lines that were noted then are shown.
	Changes diff.Changes
}

// Why is the diagnosis on one screen: what failed, the causal line, what was changed, what was left behind, what
// happened since, and what to do next.
func (d Diagnosis) Why(look Terminal, now time.Time) string {
	p := page{look: look}
	d.head(&p, now)
	if !d.told() {
		return p.String()
	}
	d.changes(&p)
	d.evidence(&p)
	d.events(&p)
	d.next(&p, now)
	return p.String()
}

// told says whether there is something to diagnose: it failed, or it cannot be told whether it did.
func (d Diagnosis) told() bool { return HasFailed(d.Revision) || d.Revision.Status.Hold != "" }

// Core is the diagnosis for a log of CI: what failed, the causal line, and what was changed.
func (d Diagnosis) Core(look Terminal, now time.Time) string {
	p := page{look: look}
	d.head(&p, now)
	if d.told() {
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
	case HasFailed(r) && plan != nil && plan.CompletionTime != nil:
		text = fmt.Sprintf("%s #%d failed %s ago and was rolled back to #%d, %s after it was deployed", w.Name, r.Spec.Number,
			age(since(r), now), plan.To, span(r.Spec.AcceptedTime.Time, plan.CompletionTime.Time))
	case HasFailed(r) && plan != nil && r.Status.Hold == "":
		text = fmt.Sprintf("%s #%d failed %s ago and is being rolled back to #%d", w.Name, r.Spec.Number, age(since(r), now), plan.To)
	case HasFailed(r):
		text = fmt.Sprintf("%s #%d failed %s ago", w.Name, r.Spec.Number, age(since(r), now))
	case plan != nil && plan.CompletionTime != nil:
		text = fmt.Sprintf("%s #%d did not fail: #%d was put back, asked for by %s", w.Name, r.Spec.Number, plan.To, oneline.Of(plan.Request))
	}
	p.prose("", "", bold, text)
	if r.Status.Error != "" {
		p.prose("\n", "  ", ofPhase(phase(r)), oneline.Of(r.Status.Error))
	}
	if r.Status.Hold != "" {
		p.prose("\n", "  ", yellow, "It was left as it is: "+oneline.Of(r.Status.Hold))
	}
}

// changes are what it changed against the last healthy revision.
func (d Diagnosis) changes(p *page) {
	r := d.Revision
	if r.Status.DiffAgainst == 0 {
		return
	}
	p.title(fmt.Sprintf("What it changed against #%d, healthy until then:", r.Status.DiffAgainst))
	if d.Changes == nil {
		for _, line := range r.Status.Diff {
			p.line("  " + oneline.Clean(line))
		}
		return
	}
	width := 0
	if p.look.Width > 0 {
		width = max(p.look.Width-2, 20)
	}
	text := d.Changes.Long(diff.LongOptions{Color: p.look.Colour, Width: width})
	for line := range strings.Lines(text) {
		p.write("  " + line)
	}
}

// events tell in order what happened.
func (d Diagnosis) events(p *page) {
	r, w := d.Revision, d.Workload
	p.title("What happened:")
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
	at(r.Spec.AcceptedTime.Time, fmt.Sprintf("#%d was accepted, by %s", r.Spec.Number, oneline.Of(by)))
	plan := r.Status.Rollback
	if plan == nil {
		if HasFailed(r) {
			at(since(r), "it failed")
		}
		return
	}
	if HasFailed(r) && plan.Request == "" {
		at(plan.StartTime.Time, fmt.Sprintf("it had failed; the rollback to #%d began", plan.To))
	}
	if plan.CompletionTime != nil {
		at(plan.CompletionTime.Time, fmt.Sprintf("#%d was back", plan.To))
	}
	if put := w.restored(r); put != nil {
		text := fmt.Sprintf("it runs as #%d, which is %s", put.Spec.Number, phase(put))
		at(since(put), text)
	}
}

// next says what to do.
func (d Diagnosis) next(p *page, now time.Time) {
	r, w := d.Revision, d.Workload
	p.title("What to do:")
	live := w.Live()
	if w.mended(r) {
		p.fold(fmt.Sprintf("Nothing: #%d runs since and is Healthy.", live.Spec.Number))
		return
	}
	if r.Status.CauseOutside {
		p.fold("The cause may lie outside of what was deployed, such as in a Secret or at a registry. If it is mended there, apply the same again.")
	}
	target := w.RollbackTarget()
	if live != nil && live.Spec.Number == r.Spec.Number && w.Settings.Rollback == workload.ModeManual && target != nil {
		p.fold(fmt.Sprintf("Put #%d back, or deploy a fix:", target.Spec.Number))
		p.line("    " + w.command("rollback"))
		return
	}
	refused, until := w.Quarantined(now)
	if refused == nil || refused.Spec.Number != r.Spec.Number {
		p.fold("Deploy a fix.")
		return
	}
	p.fold(fmt.Sprintf("Deploy a fix. The same pod template is refused for %s more; to have it tried again before:", age(now, until)))
	p.line("    " + w.command("retry"))
}

// span is how long something took, to the second.
func span(from, to time.Time) string { return to.Sub(from).Round(time.Second).String() }
