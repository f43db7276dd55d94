package tlsconf

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// settle is how long after a change in a folder the files are read, so that
// the many events of one replacement lead to one reading.
const settle = 100 * time.Millisecond

// watch is Run: it looks at the files, waits until it must look again, and so
// on until ctx ends. The first look is at once, as the files may have changed
// since New read them.
func (s *Source) watch(ctx context.Context) error {
	folders := s.openFolders()
	defer folders.close()
	poll := time.NewTicker(s.poll)
	defer poll.Stop()
	early := newAlarm()
	defer early.Stop()
	for {
		// Asked for first, so that no change falls between the two.
		news := s.news()
		folders.follow()
		if s.refresh() {
			early.within(grace)
		}
		if next := s.work(); !next.IsZero() {
			early.within(max(next.Sub(s.now()), shortest))
		}
		if !s.await(ctx, folders, poll, early, news) {
			return nil
		}
	}
}

// shortest is the least time between two looks at what is due.
const shortest = 10 * time.Millisecond

// await returns true when it is time to look at the files, false when ctx ends.
func (s *Source) await(ctx context.Context, folders *folders, poll *time.Ticker, early *alarm, news <-chan struct{}) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-poll.C:
			return true
		case <-early.C:
			early.rang()
			return true
		case <-news:
			return true
		case <-folders.events:
			early.within(settle)
		case err := <-folders.errors:
			// Events may have been lost.
			s.log.Debug("folder watch failed for a moment", "error", err)
			early.within(settle)
		}
	}
}

// alarm is a timer that is only ever brought forward.
type alarm struct {
	*time.Timer
	at time.Time // zero: not set
}

// newAlarm returns an alarm that isn't set.
func newAlarm() *alarm {
	a := &alarm{Timer: time.NewTimer(time.Hour)}
	a.Stop()
	return a
}

// within makes the alarm ring after d, or earlier if it is set so already.
func (a *alarm) within(d time.Duration) {
	if at := time.Now().Add(d); a.at.IsZero() || at.Before(a.at) {
		a.at = at
		a.Reset(d)
	}
}

// rang notes that the alarm was heard.
func (a *alarm) rang() { a.at = time.Time{} }

// folders watches the folders that certificate files are in. Folders and not
// files, as files are replaced by renaming, and Kubernetes swaps a symlink
// beside them.
type folders struct {
	watcher *fsnotify.Watcher     // nil: there is no watch, only the poll
	events  <-chan fsnotify.Event // nil likewise
	errors  <-chan error          // nil likewise
	paths   []string
	failing map[string]bool // paths whose failure was logged
	log     hclog.Logger
}

// openFolders starts the watch. Where that fails, as a machine has a limited
// number of them, the poll alone has to do.
func (s *Source) openFolders() *folders {
	f := &folders{failing: make(map[string]bool), log: s.log}
	for _, file := range s.files {
		f.paths = append(f.paths, filepath.Dir(file.CertFile), filepath.Dir(file.KeyFile))
	}
	slices.Sort(f.paths)
	f.paths = slices.Compact(f.paths)
	if len(f.paths) == 0 {
		return f
	}
	watcher, err := s.openWatcher()
	if err != nil {
		s.log.Warn("certificate folders can't be watched, changes are seen at the next poll",
			"error", err, "poll_interval", s.poll)
		return f
	}
	f.watcher, f.events, f.errors = watcher, watcher.Events, watcher.Errors
	return f
}

// follow watches every folder, again if need be: one that was removed and made
// anew, or that a symlink now points to, is another folder to the kernel. For
// one that is watched already nothing changes.
func (f *folders) follow() {
	if f.watcher == nil {
		return
	}
	for _, path := range f.paths {
		err := f.watcher.Add(path)
		if err != nil && !f.failing[path] {
			f.log.Warn("certificate folder can't be watched, changes are seen at the next poll",
				"folder", path, "error", err)
		}
		f.failing[path] = err != nil
	}
}

// close ends the watch and waits for its goroutine.
func (f *folders) close() {
	if f.watcher == nil {
		return
	}
	if err := f.watcher.Close(); err != nil {
		f.log.Debug("folder watch not closed", "error", err)
	}
}
