package admin

import (
	"testing"

	"go.uber.org/goleak"
)

// Deliberate: net/http lets a connection linger for half a second when it has
// refused what a client still sends, and waits for that nowhere.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
