package story

import (
	"fmt"
	"time"

	"reprise.dev/reprise/internal/mask"
)

// WhyDenied returns the newest denial on one screen: the policy, the violations, the changes, and
// what to do next. It is empty where there is none, or something failed since.
func (w Workload) WhyDenied(look Terminal, now time.Time) string {
	d := w.Denied
	if d == nil || !d.newest(w) {
		return ""
	}
	p := page{look: look}
	text := fmt.Sprintf("%s: admission denied an apply %s ago%s%s", w.Name, age(d.At.Time, now), d.by(), d.times())
	p.prose("", "", bold, text)
	w.violations(&p, d)
	if len(d.Changes) > 0 {
		p.title("Changes to what runs" + w.running() + ":")
		for _, line := range d.Changes {
			p.fold(mask.Text(line))
		}
	}
	w.nextAfter(&p, d, now)
	return p.String()
}

// violations say what is wrong, each with who says so where several do.
func (w Workload) violations(p *page, d *Denial) {
	p.line("")
	if len(d.Violations) == 0 {
		p.prose("", "  ", red, mask.Line(d.Message))
	}
	several := len(d.policies()) > 1
	for _, o := range d.Violations {
		text := violation(o)
		if several && o.Policy != "" {
			text = o.Policy + ": " + text
		}
		p.prose("", "  ", red, text)
	}
	if d.More > 0 {
		p.fold(fmt.Sprintf("and %d more", d.More))
	}
	for _, file := range d.Files {
		p.prose("", "  ", yellow, "The apply changed this file, which pods read when they start: "+mask.Line(file))
	}
}

// running names what runs.
func (w Workload) running() string {
	live := w.Live()
	if live == nil {
		return ""
	}
	return fmt.Sprintf(", %s", number(live.Spec.Number))
}

// nextAfter says what to do about a denial.
func (w Workload) nextAfter(p *page, d *Denial, now time.Time) {
	p.title("What to do next:")
	if d.Failed != 0 {
		p.fold(fmt.Sprintf("Deploy a fix. To see why it failed as %s:", number(d.Failed)))
		p.line("    " + w.command("why", d.Failed))
		if failed, until := w.Quarantined(now); failed != nil && failed.Spec.Number == d.Failed {
			p.fold(fmt.Sprintf("It is quarantined for %s more. To try it again before that:", age(now, until)))
			p.line("    " + w.command("retry"))
		}
		return
	}
	fixes := 0
	for _, o := range d.Violations {
		if o.Fix == "" {
			continue
		}
		fixes++
		if len(d.Violations) > 1 && o.Field != "" {
			p.fold("- " + mask.Line(o.Field+": "+o.Fix))
		} else {
			p.fold("- " + mask.Line(o.Fix))
		}
	}
	if fixes == 0 {
		p.fold("Fix the violations, and apply again.")
	}
	p.fold("To check before the next apply:")
	p.line(fmt.Sprintf("    kubectl reprise check -f FILE --live -n %s%s", w.Namespace, w.inContext()))
	if failure := w.History.LastFailure(); failure != nil && !w.recovered(failure) {
		p.fold(fmt.Sprintf("To see the last failure, %s:", number(failure.Spec.Number)))
		p.line("    " + w.command("why", failure.Spec.Number))
	}
}
