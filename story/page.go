package story

import (
	"strings"

	"reprise.dev/reprise/internal/mask"
)

// page is a page under way.
type page struct {
	strings.Builder
	look Terminal
}

func (p *page) write(text string) { p.WriteString(text) }

func (p *page) line(text string) { p.write(text + "\n") }

// title begins a section.
func (p *page) title(text string) { p.prose("\n", "", bold, text) }

// fold writes prose of a section.
func (p *page) fold(text string) { p.prose("", "  ", "", text) }

// prose writes folded text of one color, after what stands before it.
func (p *page) prose(before, indent string, c color, text string) {
	p.write(before)
	for line := range strings.Lines(p.look.fold(indent, mask.Line(text))) {
		p.line(p.look.paint(c, strings.TrimSuffix(line, "\n")))
	}
}
