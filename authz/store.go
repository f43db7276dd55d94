package authz

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// Store keeps what is remembered of addresses and users beyond their sessions:
// buckets that refill, and marks that end. It is used by many sessions at once.
//
// It is made for a store that several popgates share: each method is one atomic
// step, and never fails. A shared store that is out of reach falls back to one
// of its own in memory, as a login must neither wait for it nor be refused.
type Store interface {
	// Take takes cost tokens from the bucket of key, which refills by r, if it
	// has that many; else it takes none. A bucket that isn't there is full. It
	// returns how many are left.
	Take(ctx context.Context, key Key, r Rate, cost int) (left float64, ok bool)
	// Left is how many tokens Take would find.
	Left(ctx context.Context, key Key, r Rate) float64

	// Mark sets a mark, in the place of one that is there.
	Mark(ctx context.Context, key Key, m Mark)
	// Add sets a mark, unless there is one; it returns whether it did.
	Add(ctx context.Context, key Key, m Mark) bool
	// Marked returns a mark that hasn't ended.
	Marked(ctx context.Context, key Key) (Mark, bool)

	// Delete removes a bucket or a mark, and returns whether there was one.
	Delete(ctx context.Context, key Key) bool
	// Marks returns all marks of a kind that is listed that haven't ended, in no
	// order.
	Marks(ctx context.Context, kind Topic) []Marked
}

// Topic is what a key is about.
type Topic uint8

// The topics. Buckets come first.
const (
	connecting     Topic = iota // bucket: connections of an address
	loginsOfIP                  // bucket: login attempts of an address
	loginsOfPair                // bucket: those of an address for a user
	loginsOfUser                // bucket: successful logins of a user
	failuresOfIP                // bucket: wrong passwords of an address
	failuresOfPair              // bucket: those of an address for a user

	tried    // mark: an address has tried a password for a user
	blocked  // mark: an address, or an address for a user, is blocked or was
	welcome  // mark: an address has logged in as a user
	loggedIn // mark: a user has logged in, of whom login_delay asks to wait

	topics // how many there are
)

// isBucket tells buckets from marks.
func (t Topic) isBucket() bool { return t < tried }

// listed are the topics whose marks can be listed, for which their keys are kept.
var listed = [...]Topic{blocked, welcome}

func (t Topic) isListed() bool { return slices.Contains(listed[:], t) }

// Key is what a bucket or mark is for. Parts that don't matter are zero.
type Key struct {
	Topic Topic
	// Addr is the first address of what counts as one client.
	Addr netip.Addr
	// User is a canonical name, or the start of one that is too long to be one.
	User string
	// Rate is that of a bucket where listeners and tenants can have rates of
	// their own: each rate has its own bucket, so that what was spent under a
	// narrow one is not missing under a wide one.
	Rate Rate
	// Print tells passwords apart; see [Guard.Fingerprint].
	Print uint64
}

// Mark is a remark that ends.
type Mark struct {
	// Ends is when it is forgotten. It holds the monotonic clock's reading, so
	// that a clock that is set moves nothing.
	Ends time.Time
	// Until is what the remark is about: the end of a block, for one.
	Until time.Time
	// Level counts blocks in a row.
	Level int
}

// Marked is a mark with its key.
type Marked struct {
	Key  Key
	Mark Mark
}

// Rate is how fast a bucket refills: Count tokens, which are as many as it
// holds, over the time Per. The zero value is no limit at all.
type Rate struct {
	Count int
	Per   time.Duration
}

// Off tells whether there is no limit.
func (r Rate) Off() bool { return r.Count <= 0 || r.Per <= 0 }

// limit is r for x/time/rate.
func (r Rate) limit() rate.Limit { return rate.Limit(float64(r.Count) / r.Per.Seconds()) }
