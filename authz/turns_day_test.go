package authz

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestTriesOfDays: what docs/policy.md says that an address can try by the
// defaults, at once and on each day, if it comes in sixty sessions at the end of
// each block.
func TestTriesOfDays(t *testing.T) {
	for _, test := range []struct {
		name string
		user func(i int) string
		tier string
		want []int // at once, on the first day, on further days
	}{
		{"as one user", func(int) string { return "joe" }, blockedPair, []int{5, 36, 5, 5}},
		{"as any users", func(i int) string { return fmt.Sprint(i) }, blockedIP, []int{20, 143, 20, 20}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Rules{Limits: roomy, Blocking: usual}, Options{})
				got := make([]int, 4)
				for began, round := time.Now(), 0; ; round++ {
					day := int(time.Since(began)/(24*time.Hour)) + 1
					if day == len(got) {
						break
					}
					var subjects []*Subject
					for i := range 60 {
						subjects = append(subjects, as("192.0.2.1", test.user(round*60+i)))
					}
					n := storm(g, subjects, fmt.Sprint(round, " "))
					if got[day] += n; round == 0 {
						got[0] = n
					}
					ends := time.Now()
					for _, b := range g.Blocks(t.Context()) {
						if b.Check == test.tier {
							ends = b.Until
						}
					}
					if ends.Equal(time.Now()) {
						t.Fatalf("%d tries in round %d led to no block", n, round)
					}
					time.Sleep(time.Until(ends))
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("%d tries, want %d", got, test.want)
				}
			})
		})
	}
}
