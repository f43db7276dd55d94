package authz

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// TestLeastRecentlyUsedGoesFirst: looking is a use, showing all is none.
func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	tab := &table[int]{most: 3 * parts}
	key := func(i int) sum { return sum{parts * uint64(i), 7} } // all in one part
	put := func(i int) { tab.update(key(i), func(v *int, _ bool) { *v = i }) }
	is := func(want ...int) {
		t.Helper()
		var got []int
		tab.each(func(v *int) { got = append(got, *v) })
		if !slices.Equal(got, want) {
			t.Errorf("from the newest to the oldest: %v, want %v", got, want)
		}
	}
	put(1)
	put(2)
	put(3)
	is(3, 2, 1)
	put(4)
	is(4, 3, 2)
	put(2)
	is(2, 4, 3)
	tab.look(key(3), func(*int) {})
	is(3, 2, 4)
	tab.look(key(99), func(*int) { t.Error("99 is there") })
	put(5)
	is(5, 3, 2)
	tab.remove(key(3))
	is(5, 2)
	put(6)
	put(7)
	is(7, 6, 5)
	tab.update(sum{1, 7}, func(v *int, isNew bool) { *v = 100 }) // in another part
	is(7, 6, 5, 100)
}

// TestRoomIsUsedAgain: what made room leaves its entry to who came.
func TestRoomIsUsedAgain(t *testing.T) {
	tab := &table[int]{most: 3 * parts}
	for i := range uint64(10_000) {
		tab.update(sum{parts * i, i}, func(*int, bool) {})
		tab.remove(sum{parts * (i - 1), i - 1})
	}
	for i := range uint64(10_000) {
		tab.update(sum{parts * i, i}, func(v *int, _ bool) {
			if *v++; *v != 1 {
				t.Fatalf("%d holds what another one held: %d", i, *v)
			}
		})
	}
	if made := tab.parts[0].used; made != 3 {
		t.Errorf("%d entries were made for 3", made)
	}
}

// modelTable is a table made of a map and a list for each part.
type modelTable struct {
	values map[sum]int
	order  [parts][]sum // the newest last
}

func (m *modelTable) use(s sum) {
	part := &m.order[s[0]%parts]
	if i := slices.Index(*part, s); i >= 0 {
		*part = slices.Delete(*part, i, i+1)
	}
	*part = append(*part, s)
}

func (m *modelTable) forget(s sum) {
	part := &m.order[s[0]%parts]
	*part = slices.DeleteFunc(*part, func(x sum) bool { return x == s })
	delete(m.values, s)
}

// FuzzTable does what the input says to a table and to the model, and insists
// that they hold the same in the same order after each step.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 0, 3, 0, 4, 1, 1, 2, 1, 0, 5})
	f.Add([]byte{0, 0, 0, 64, 0, 128, 0, 192, 1, 64, 0, 1, 0, 65, 3, 1, 0, 129, 3, 3, 0, 193, 2, 0, 2, 64, 0, 64})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 400 {
			t.Skip("long inputs show no more")
		}
		tab := &table[int]{most: 2 * parts}
		m := &modelTable{values: make(map[sum]int)}
		most := 2
		for i := 0; i+1 < len(steps); i += 2 {
			// Two parts are enough.
			s := sum{uint64(steps[i+1] & 1), uint64(steps[i+1] >> 1 & 15)}
			value, there := m.values[s]
			switch steps[i] % 4 {
			case 0:
				for part := &m.order[s[0]%parts]; !there && len(*part) >= most; {
					m.forget((*part)[0])
				}
				m.use(s)
				m.values[s] = i + 1
				tab.update(s, func(v *int, isNew bool) {
					if isNew == there || *v != value {
						t.Fatalf("step %d: %d, new: %v, want %d", i, *v, isNew, value)
					}
					*v = i + 1
				})
			case 1:
				if there {
					m.use(s)
				}
				shown := false
				tab.look(s, func(v *int) { shown = *v == value })
				if shown != there {
					t.Fatalf("step %d: it was shown: %v", i, shown)
				}
			case 2:
				m.forget(s)
				if tab.remove(s) != there {
					t.Fatalf("step %d: it was there: %v", i, !there)
				}
			case 3:
				most = 1 + int(steps[i+1]%4)
				tab.resize(most * parts)
			}
			compareTables(t, tab, m)
		}
	})
}

func compareTables(t *testing.T, tab *table[int], m *modelTable) {
	t.Helper()
	var got, want []int
	tab.each(func(v *int) { got = append(got, *v) })
	for _, part := range m.order {
		for _, s := range slices.Backward(part) {
			want = append(want, m.values[s])
		}
	}
	if !slices.Equal(got, want) || tab.size() != len(m.values) {
		t.Fatalf("%d values %v, want %v", tab.size(), got, want)
	}
	made := 0
	for i := range tab.parts {
		p := &tab.parts[i]
		made += int(p.used)
		if len(p.pages)*pageSize < int(p.used) || int(p.used) > 4 {
			t.Fatalf("part %d: %d entries were made, in %d pages: those that were dropped aren't used again", i, p.used, len(p.pages))
		}
		for s, at := range maps.All(p.index) {
			if p.at(at).sum != s {
				t.Fatal(fmt.Sprint("part ", i, ": the index is wrong about ", s))
			}
		}
	}
}
