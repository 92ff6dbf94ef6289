package rollback

import (
	"fmt"
	"sync"
	"testing"

	"reprise.dev/reprise/test/harness/product"
)

func TestARollbackEndsWellWhateverHappensBetweenItsWrites(t *testing.T) {
	api, err := product.NewClient(shared)
	if err != nil {
		t.Fatal(err)
	}
	seeds, deaths := make(chan uint64), make(chan []step, *cases)
	var players sync.WaitGroup
	for range *atOnce {
		players.Go(func() {
			for seed := range seeds {
				t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
					r := &run{T: t, story: draw(seed), api: api, refused: map[step]bool{}}
					defer func() { deaths <- r.deaths }()
					r.play()
				})
			}
		})
	}
	for i := range *cases {
		seeds <- *firstOne + uint64(i)
	}
	close(seeds)
	players.Wait()
	close(deaths)
	everyGap(t, deaths)
}

// everyGap makes sure that many stories together have met every gap between two writes.
func everyGap(t *testing.T, deaths <-chan []step) {
	met := map[step]int{}
	for all := range deaths {
		for _, at := range all {
			met[at]++
		}
	}
	for _, at := range steps {
		t.Logf("%3d killed at %q", met[at], at)
		if met[at] == 0 && *cases >= 5*len(steps) {
			t.Errorf("no story was killed at %q", at)
		}
	}
}
