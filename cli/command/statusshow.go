package command

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"reprise.dev/reprise/story"
)

// show draws all in place, or prints what has changed.
func (s *statusWatch) show(workloads []story.Workload, now time.Time) error {
	if s.screen != nil {
		text, err := s.page(workloads, now)
		if err != nil {
			return err
		}
		return s.screen.draw(text)
	}
	all, first := statusesOf(workloads, now), len(s.shown) == 0
	changed := s.changed(&all)
	if len(changed) == 0 {
		if first && !s.empty {
			s.empty = true
			fmt.Fprintln(s.p.ErrOut, s.none())
		}
		return nil
	}
	switch s.o.output {
	case "json", "yaml", "name":
		return s.documents(all, changed)
	default:
		table := story.StatusTable(all, s.o.allNamespaces, now).Only(func(row int) bool { return changed[row] })
		return table.Write(s.p.Out, s.p.look(), s.o.output == "wide", first && !s.o.noHeaders)
	}
}

// page is all that is drawn in place: the page of the one workload, or the table of all.
func (s *statusWatch) page(workloads []story.Workload, now time.Time) (string, error) {
	var text strings.Builder
	look := s.p.look()
	switch {
	case len(workloads) == 0:
		text.WriteString(s.none() + "\n")
	case s.name != "" && s.o.output == "":
		text.WriteString(story.StatusPage(workloads[0], look, now))
	default:
		table := story.StatusTable(statusesOf(workloads, now), s.o.allNamespaces, now)
		if err := table.Write(&text, look, s.o.output == "wide", !s.o.noHeaders); err != nil {
			return "", err
		}
	}
	if s.trouble != "" {
		text.WriteString(s.trouble + "\n")
	}
	return text.String(), nil
}

// none says that there is nothing to follow yet.
func (s *statusWatch) none() string {
	return fmt.Sprintf("no workload that Reprise guards in %s", s.c.place(s.o))
}

// changed says which rows are not as they were printed last. Those that are not there any more are added once.
func (s *statusWatch) changed(all *[]story.Status) map[int]bool {
	changed, there := map[int]bool{}, map[string]bool{}
	for i, now := range *all {
		key := now.Namespace + "/" + now.Name
		there[key] = true
		if before, known := s.shown[key]; !known || !reflect.DeepEqual(before, now) {
			changed[i] = true
			s.shown[key] = now
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.shown)) {
		if !there[key] {
			changed[len(*all)] = true
			*all = append(*all, s.shown[key].Gone())
			delete(s.shown, key)
		}
	}
	return changed
}

// documents prints each changed workload as a document of its own, for tools.
func (s *statusWatch) documents(all []story.Status, changed map[int]bool) error {
	for i, status := range all {
		if !changed[i] {
			continue
		}
		if s.o.output == "name" {
			fmt.Fprintf(s.p.Out, "deployment.apps/%s\n", status.Name)
			continue
		}
		if s.o.output == "yaml" {
			_, _ = io.WriteString(s.p.Out, "---\n")
		}
		if err := s.p.printData(s.o.output, status); err != nil {
			return err
		}
	}
	return nil
}
