package gobuild

import (
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// redraw is how often a terminal's line is written anew.
	redraw = time.Second
	// repeat is how often a log gets a line.
	repeat = 15 * time.Second
	// columns are those of a narrow terminal: a line that wraps cannot be rewritten.
	columns = 99
)

// display shows one line that changes: on a terminal it is rewritten, in a log it is repeated now
// and then.
type display struct {
	out      io.Writer
	terminal bool
	shown    time.Time // when it was last written
	drawn    bool      // the terminal's last line is the one that changes
}

// newDisplay returns a display whose first line in a log comes after the usual wait.
func newDisplay(out io.Writer, now time.Time) *display {
	return &display{out: out, terminal: isTerminal(out), shown: now}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show replaces the line that changes.
func (d *display) show(line string, now time.Time) {
	if !d.terminal {
		if now.Sub(d.shown) >= repeat {
			fmt.Fprintln(d.out, line)
			d.shown = now
		}
		return
	}
	if d.drawn && now.Sub(d.shown) < redraw/2 {
		return
	}
	if runes := []rune(line); len(runes) > columns {
		line = string(runes[:columns])
	}
	fmt.Fprintf(d.out, "\r\x1b[K%s", line)
	d.drawn, d.shown = true, now
}

// say writes a line that stays.
func (d *display) say(format string, values ...any) {
	d.clear()
	fmt.Fprintf(d.out, format+"\n", values...)
}

// clear removes the line that changes.
func (d *display) clear() {
	if d.drawn {
		fmt.Fprint(d.out, "\r\x1b[K")
		d.drawn = false
	}
}
