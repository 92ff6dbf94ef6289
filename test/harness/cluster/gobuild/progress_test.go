package gobuild

import (
	"strings"
	"testing"
	"time"
)

func TestProgress_Rest(t *testing.T) {
	const minute = 60 * pace // bytes that one core compiles in a minute
	tests := map[string]struct {
		reason   string
		progress progress
		elapsed  time.Duration
		want     string
	}{
		"Beforehand": {
			reason:   "nothing is measured, so the usual pace of all cores counts",
			progress: progress{work: 20 * minute, cores: 2},
			want:     "about 10 min",
		},
		"OneCore": {
			reason:   "half as many cores take twice as long",
			progress: progress{work: 20 * minute, cores: 1},
			want:     "about 20 min",
		},
		"AsFastAsUsual": {
			reason:   "the pace is the usual one, so the rest is what is left of it",
			progress: progress{work: 20 * minute, workDone: 10 * minute, cores: 2},
			elapsed:  5 * time.Minute,
			want:     "about 5 min",
		},
		"BusyMachine": {
			reason:   "half is done in four times the usual time, so nearly as much again is left",
			progress: progress{work: 20 * minute, workDone: 10 * minute, cores: 2},
			elapsed:  20 * time.Minute,
			want:     "about 20 min",
		},
		"FirstSeconds": {
			reason:   "a slow first second must not scare anybody",
			progress: progress{work: 20 * minute, workDone: pace / 10, cores: 2},
			elapsed:  time.Second,
			want:     "about 11 min",
		},
		"Done": {
			reason:   "nothing is left",
			progress: progress{work: minute, workDone: minute, cores: 2},
			elapsed:  time.Minute,
			want:     "seconds",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := about(tt.progress.rest(tt.elapsed)); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.reason, got, tt.want)
			}
		})
	}
}

func TestProgress_Percent(t *testing.T) {
	tests := map[string]struct {
		reason   string
		progress progress
		want     int
	}{
		"OfWork":  {"the percentage is of the bytes, not of the packages", progress{packages: 10, packagesDone: 9, work: 1000, workDone: 250}, 25},
		"Nothing": {"there is nothing to do", progress{}, 0},
		"More":    {"a package that was not counted was compiled, too", progress{work: 10, workDone: 11}, 100},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.progress.percent(); got != tt.want {
				t.Errorf("%s: got %d, want %d", tt.reason, got, tt.want)
			}
		})
	}
}

func TestProgress_Line(t *testing.T) {
	p := progress{packages: 2079, packagesDone: 1040, work: 240 * pace, workDone: 120 * pace, cores: 2}
	got := p.line("kube-apiserver (2 of 6)", 61*time.Second)
	want := "[##########..........] 50% kube-apiserver (2 of 6), 1,040 of 2,079 packages, 1m1s, about 60s left"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	p.packagesDone, p.workDone = p.packages, 228*pace
	if got, want := p.line("kwok", 2*time.Minute), " 95% kwok, linking, 2m0s, seconds left"; !strings.HasSuffix(got, want) {
		t.Errorf("got  %q\nwant it to end with %q", got, want)
	}
}

func TestAbout(t *testing.T) {
	tests := map[time.Duration]string{
		0: "seconds", 9 * time.Second: "seconds", 34 * time.Second: "about 30s", 99 * time.Second: "about 100s",
		100 * time.Second: "about 2 min", 14*time.Minute + 29*time.Second: "about 14 min",
	}
	for d, want := range tests {
		if got := about(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestDisplay_Show(t *testing.T) {
	start := time.Unix(0, 0)
	seconds := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	var log strings.Builder
	d := newDisplay(&log, start)
	for n := range 40 {
		d.show("line", seconds(n))
	}
	if got := strings.Count(log.String(), "line\n"); got != 2 {
		t.Errorf("a log got %d lines in 40 seconds, want 2:\n%s", got, log.String())
	}
	var terminal strings.Builder
	d = &display{out: &terminal, terminal: true}
	d.show(strings.Repeat("a", columns+1), seconds(0))
	d.show("too soon", seconds(0))
	d.show("b", seconds(1))
	d.say("done")
	want := "\r\x1b[K" + strings.Repeat("a", columns) + "\r\x1b[Kb\r\x1b[Kdone\n"
	if terminal.String() != want {
		t.Errorf("a terminal got %q, want %q", terminal.String(), want)
	}
}
