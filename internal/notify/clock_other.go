//go:build !linux

package notify

import "time"

// monotonic: there is no systemd here.
func monotonic() (time.Duration, bool) { return 0, false }
