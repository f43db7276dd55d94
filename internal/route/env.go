package route

import "popgate/internal/expr"

// Vars is what a login's expressions may ask; Env is the same, ready for use.
// They are those of package expr, under the name of the package whose callers
// need them.
type (
	Vars = expr.Vars
	Env  = expr.Env
)

// NewEnv makes an Env, once a login, for one goroutine.
func NewEnv(v Vars) *Env { return expr.NewEnv(v) }
