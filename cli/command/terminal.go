package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/story"
)

const (
	// quiet is how long a wait says nothing.
	quiet = time.Second
	// frame is how often the line of a wait moves.
	frame = 200 * time.Millisecond
	// recheck is after how long a wait looks again although nothing is known to have changed.
	recheck = 2 * time.Second
)

// dumb is what TERM is on a terminal that cannot be steered, such as an editor's.
const dumb = "dumb"

// look is what standard output is printed on.
func (p *plugin) look() story.Terminal {
	return story.Terminal{Width: width(p.Out), Colour: colours(p.Out)}
}

// width is that of a terminal in columns, 0 where a writer is none.
func width(w io.Writer) int {
	file, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// follow looks again whenever one of a workload's revisions changes, and now and then, until look says that it is done.
// Meanwhile a terminal shows what look says.
func (p *plugin) follow(ctx context.Context, c *connection, namespace, name string, look func() (done bool, says string, err error)) error {
	changed := c.changes(ctx, namespace, name)
	line := liveLine{out: p.ErrOut, width: width(p.ErrOut), since: time.Now()}
	if os.Getenv("TERM") == dumb {
		line.width = 0
	}
	defer line.clear()
	frames, again := time.NewTicker(frame), time.NewTicker(recheck)
	defer frames.Stop()
	defer again.Stop()
	for {
		done, says, err := look()
		if done || err != nil {
			return err
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-frames.C:
				line.show(says, time.Now())
			case _, open := <-changed:
				if !open {
					changed = nil // It may not be watched; it is looked at now and then.
				}
				waiting = false
			case <-again.C:
				waiting = false
			}
		}
	}
}

// changes tells that a workload's revisions changed. It ends where they cannot be watched.
func (c *connection) changes(ctx context.Context, namespace, name string) <-chan struct{} {
	told := make(chan struct{}, 1)
	go func() {
		defer close(told)
		watching, err := c.api.Watch(ctx, &v1alpha1.WorkloadRevisionList{}, &client.ListOptions{
			Namespace: namespace, FieldSelector: fields.OneTermEqualSelector(store.WorkloadField, name), Raw: &metav1.ListOptions{},
		})
		if err != nil {
			return
		}
		defer watching.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case _, open := <-watching.ResultChan():
				if !open {
					return
				}
			}
			select {
			case told <- struct{}{}:
			default: // It is told already, and looked at once for all.
			}
		}
	}()
	return told
}

// liveLine is a line of a terminal that says what is waited for. In a pipe there is none.
type liveLine struct {
	out   io.Writer
	width int
	since time.Time
	shown int
}

// marks turn while something is waited for.
var marks = []string{"|", "/", "-", `\`}

func (l *liveLine) show(says string, now time.Time) {
	waited := now.Sub(l.since)
	if l.width == 0 || waited < quiet {
		return
	}
	text := []rune(fmt.Sprintf("%s %s (%s)", marks[l.shown%len(marks)], says, waited.Round(time.Second)))
	fmt.Fprintf(l.out, "\r\x1b[K%s", string(text[:min(len(text), l.width-1)]))
	l.shown++
}

func (l *liveLine) clear() {
	if l.shown > 0 {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
}
