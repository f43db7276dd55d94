package authz

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// BenchmarkMemoryMillion tells how large a million entries are: of a bucket, of a
// mark, and of a block, which is kept with its key. Its time is that of making
// them.
func BenchmarkMemoryMillion(b *testing.B) {
	ctx := context.Background()
	mark := Mark{Ends: time.Now().Add(time.Hour), Until: time.Now().Add(time.Hour)}
	for name, do := range map[string]func(m *Memory, i int){
		"bucket": func(m *Memory, i int) { m.Take(ctx, Key{Topic: connecting, Addr: number(i)}, perMinute(300), 1) },
		"mark":   func(m *Memory, i int) { m.Add(ctx, Key{Topic: tried, Addr: number(i), User: "joe"}, mark) },
		"block": func(m *Memory, i int) {
			m.Mark(ctx, Key{Topic: blocked, Addr: number(i), User: fmt.Sprintf("user%d@example.com", i)}, mark)
		},
	} {
		b.Run(name, func(b *testing.B) {
			var size int64
			for b.Loop() {
				before := heap()
				m := NewMemory(million, nil)
				for i := range million * 5 / 4 { // all parts of the table are full
					do(m, i)
				}
				size = heap() - before
				if n := m.sizes(); n[connecting]+n[tried]+n[blocked] > million {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(size)/million, "bytes/entry")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(million*5/4), "ns/entry")
		})
	}
}

// BenchmarkMemoryFull tells how large a Memory is whose tables are all full, by
// the defaults: in all, and for each entry of them together.
func BenchmarkMemoryFull(b *testing.B) {
	ctx := context.Background()
	mark := Mark{Ends: time.Now().Add(time.Hour), Until: time.Now().Add(time.Hour)}
	var size int64
	entries := 0
	for b.Loop() {
		before := heap()
		m := NewMemory(DefaultEntries, nil)
		for i := range DefaultEntries * 5 / 4 { // all parts of the tables are full
			for topic := range topics {
				key := Key{Topic: topic, Addr: number(i), User: fmt.Sprintf("user%d@example.com", i)}
				if topic.isBucket() {
					m.Take(ctx, key, perMinute(300), 1)
				} else {
					m.Mark(ctx, key, mark)
				}
			}
		}
		size, entries = heap()-before, 0
		for _, n := range m.sizes() {
			entries += n
		}
	}
	b.ReportMetric(float64(size)/1e6, "MB")
	b.ReportMetric(float64(size)/float64(entries), "bytes/entry")
}
