package terminal

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/story"
)

// open returns both ends of a terminal of a size.
func open(t *testing.T, columns, lines uint16) (user, program *os.File) {
	t.Helper()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	user, program, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = user.Close(), program.Close() })
	if err := pty.Setsize(user, &pty.Winsize{Cols: columns, Rows: lines}); err != nil {
		t.Fatal(err)
	}
	return user, program
}

// shown closes the program's end and returns what it wrote.
func shown(t *testing.T, user, program *os.File) string {
	t.Helper()
	const end = "END\r\n"
	if _, err := program.WriteString("END\n"); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for buffer := make([]byte, 4096); !strings.HasSuffix(string(all), end); {
		n, err := user.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, buffer[:n]...)
	}
	return strings.TrimSuffix(string(all), end)
}

func TestOf(t *testing.T) {
	_, program := open(t, 72, 10)
	if got, want := Of(program), (story.Terminal{Width: 72, Color: true}); got != want {
		t.Errorf("a terminal is %v, want %v", got, want)
	}
	if got := Of(&bytes.Buffer{}); got != (story.Terminal{}) {
		t.Errorf("a buffer is %v", got)
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got := Of(file); got != (story.Terminal{}) {
		t.Errorf("a file is %v", got)
	}
}

func TestColors(t *testing.T) {
	_, program := open(t, 72, 10)
	for _, tt := range []struct {
		reason, key, value string
		want               bool
	}{
		{"a terminal", "TERM", "xterm", true}, {"an editor's", "TERM", "dumb", false},
		{"an empty NO_COLOR means nothing", "NO_COLOR", "", true}, {"the user wants none", "NO_COLOR", "1", false},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Setenv(tt.key, tt.value)
			if got := Colors(program); got != tt.want {
				t.Errorf("%s=%q: colors are %v, want %v", tt.key, tt.value, got, tt.want)
			}
		})
	}
}

func TestDrawsInPlace(t *testing.T) {
	_, program := open(t, 72, 10)
	if !DrawsInPlace(program) || DrawsInPlace(&bytes.Buffer{}) {
		t.Error("a terminal does not, or a buffer does")
	}
	t.Setenv("TERM", "dumb")
	if DrawsInPlace(program) {
		t.Error("a terminal that cannot move its cursor does")
	}
}

func TestConfirm(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "\n": false, "no\n": false, "\x04": false} {
		user, program := open(t, 72, 10)
		if _, err := user.WriteString(answer); err != nil {
			t.Fatal(err)
		}
		var asked bytes.Buffer
		got, err := Confirm(program, &asked, "Roll back?")
		if err != nil || got != want || asked.String() != "Roll back? [y/N] " {
			t.Errorf("%q is %v, %v after %q, want %v", answer, got, err, &asked, want)
		}
	}
	if _, err := Confirm(strings.NewReader("y\n"), io.Discard, "Roll back?"); err == nil || !strings.Contains(err.Error(), "use --yes") {
		t.Errorf("without a terminal: %v", err)
	}
}

func TestScreen_Draw(t *testing.T) {
	user, program := open(t, 40, 4)
	s := NewScreen(program)
	for _, text := range []string{"one\ntwo\n", "1\n2\n3\n4\n5\n"} {
		if err := s.Draw(text); err != nil {
			t.Fatal(err)
		}
	}
	want := "\r\x1b[J\x1b[?7lone\r\ntwo\x1b[?7h\r\n" + "\x1b[2A\r\x1b[J\x1b[?7l1\r\n2\r\n… and 3 more lines\x1b[?7h\r\n"
	if got := shown(t, user, program); got != want {
		t.Errorf("shown is %q, want %q", got, want)
	}
}

func TestLine_Show(t *testing.T) {
	began := time.Unix(1000, 0)
	user, program := open(t, 20, 4)
	line := NewLine(program, began)
	line.Clear()
	line.Show("too early", began.Add(quiet-1))
	line.Show("#2 is\x1b[2J on", began.Add(2*time.Second))
	line.Show("a message that is too long", began.Add(3*time.Second))
	line.Clear()
	want := "\r\x1b[K| #2 is on (2s)" + "\r\x1b[K/ a message that i…" + "\r\x1b[K"
	if got := shown(t, user, program); got != want {
		t.Errorf("shown is %q, want %q", got, want)
	}
	var pipe bytes.Buffer
	line = NewLine(&pipe, began)
	line.Show("#2 is on", began.Add(time.Minute))
	line.Clear()
	if pipe.Len() > 0 {
		t.Errorf("a pipe gets %q", &pipe)
	}
}

func TestCheckFormat(t *testing.T) {
	for format, want := range map[string]string{Default: "", JSON: "", "xml": "--output xml is not supported: expected one of [json yaml]"} {
		err := CheckFormat(format, JSON, YAML)
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%q: %v, want %q", format, err, want)
		}
	}
}

func TestWriteData(t *testing.T) {
	for format, want := range map[string]string{JSON: "{\n    \"a\": 1\n}\n", YAML: "a: 1\n"} {
		var out bytes.Buffer
		if err := WriteData(&out, format, map[string]int{"a": 1}); err != nil || out.String() != want {
			t.Errorf("%s: %q, %v, want %q", format, &out, err, want)
		}
	}
	if err := WriteData(io.Discard, JSON, func() {}); err == nil {
		t.Error("a function is data")
	}
}

func TestWriteObject(t *testing.T) {
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	for format, want := range map[string]string{JSON: `"kind": "Pod"`, YAML: "kind: Pod\n"} {
		var out bytes.Buffer
		if err := WriteObject(&out, format, pod); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, %s", format, err, &out)
		}
	}
}

func TestWriteLogLine(t *testing.T) {
	var out bytes.Buffer
	if err := WriteLogLine(&out, "cart-1", "main", []byte("boom\n")); err != nil || out.String() != "[pod/cart-1/main] boom\n" {
		t.Errorf("%q, %v", &out, err)
	}
}
