package command

import (
	"context"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/cli/watch"
	"reprise.dev/reprise/story"
)

// redrawEvery is how often ages move on, on a terminal.
const redrawEvery = time.Second

// statusWatch prints a status that is followed.
type statusWatch struct {
	p *plugin
	o tableOptions
	watch.StatusOptions
	// screen is drawn in place, nil where each change is a line.
	screen *terminal.Screen
	// shown is what was printed last of each workload.
	shown map[string]story.Status
	// warned and empty say what was printed already: that the cluster does not answer, and that there
	// is no workload.
	warned, empty bool
}

// watchStatus follows workloads until it is interrupted: on a terminal in place, else a line for
// each change, as kubectl get -w does.
func (p *plugin) watchStatus(ctx context.Context, c *cluster.Connection, o tableOptions, argument string) error {
	s := &statusWatch{p: p, o: o, shown: map[string]story.Status{}, StatusOptions: watch.StatusOptions{Namespace: c.Namespace}}
	if argument != "" {
		w, err := p.find(ctx, c, argument)
		if err != nil {
			return err
		}
		s.Name = w.Name
	}
	if o.allNamespaces {
		s.Namespace = ""
	}
	if terminal.DrawsInPlace(p.Out) && (o.output == terminal.Default || o.output == terminal.Wide) {
		s.screen, s.Every = terminal.NewScreen(p.Out), redrawEvery
	}
	return watch.Status(ctx, c, s.StatusOptions, func(snapshot watch.Snapshot) error { return s.show(snapshot, time.Now()) })
}

// show draws all in place, or prints what has changed.
func (s *statusWatch) show(snapshot watch.Snapshot, now time.Time) error {
	if s.screen != nil {
		text, err := s.page(snapshot, now)
		if err != nil {
			return err
		}
		return s.screen.Draw(text)
	}
	if snapshot.Err != nil && !s.warned {
		fmt.Fprintln(s.p.ErrOut, "warning:", noAnswer(snapshot.Err))
	}
	s.warned = snapshot.Err != nil
	all, first := statusesOf(snapshot.Workloads, now), len(s.shown) == 0
	changed := s.changed(&all)
	if len(changed) == 0 {
		if first && !s.empty {
			s.empty = true
			fmt.Fprintln(s.p.ErrOut, noWorkloads(s.Namespace))
		}
		return nil
	}
	switch s.o.output {
	case terminal.JSON, terminal.YAML, terminal.Name:
		return s.documents(all, changed)
	default:
		table := story.StatusTable(all, s.o.allNamespaces, now).Only(func(row int) bool { return changed[row] })
		return table.Write(s.p.Out, s.p.look(), s.o.output == terminal.Wide, first && !s.o.noHeaders)
	}
}

// noAnswer returns the message that a snapshot may be old.
func noAnswer(err error) string {
	return fmt.Sprintf("the cluster does not answer; trying again: %v", err)
}

// page returns all that is drawn in place: the page of the one workload, or the table of all.
func (s *statusWatch) page(snapshot watch.Snapshot, now time.Time) (string, error) {
	var text strings.Builder
	look := s.p.look()
	switch {
	case len(snapshot.Workloads) == 0:
		text.WriteString(noWorkloads(s.Namespace) + "\n")
	case s.Name != "" && s.o.output == terminal.Default:
		text.WriteString(story.StatusPage(snapshot.Workloads[0], look, now))
	default:
		table := story.StatusTable(statusesOf(snapshot.Workloads, now), s.o.allNamespaces, now)
		if err := table.Write(&text, look, s.o.output == terminal.Wide, !s.o.noHeaders); err != nil {
			return "", err
		}
	}
	if snapshot.Err != nil {
		text.WriteString(noAnswer(snapshot.Err) + "\n")
	}
	return text.String(), nil
}

// changed returns the rows that differ from what was printed last. A workload that is gone is added
// once.
func (s *statusWatch) changed(all *[]story.Status) map[int]bool {
	changed, exists := map[int]bool{}, map[string]bool{}
	for i, now := range *all {
		key := now.Namespace + "/" + now.Name
		exists[key] = true
		if before, shown := s.shown[key]; !shown || !reflect.DeepEqual(before, now) {
			changed[i] = true
			s.shown[key] = now
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.shown)) {
		if !exists[key] {
			changed[len(*all)] = true
			*all = append(*all, s.shown[key].Gone())
			delete(s.shown, key)
		}
	}
	return changed
}

// documents prints each changed workload as a document of its own, for programs.
func (s *statusWatch) documents(all []story.Status, changed map[int]bool) error {
	for i, status := range all {
		if !changed[i] {
			continue
		}
		if s.o.output == terminal.Name {
			fmt.Fprintf(s.p.Out, "deployment.apps/%s\n", status.Name)
			continue
		}
		if s.o.output == terminal.YAML {
			_, _ = io.WriteString(s.p.Out, "---\n")
		}
		if err := terminal.WriteData(s.p.Out, s.o.output, status); err != nil {
			return err
		}
	}
	return nil
}
