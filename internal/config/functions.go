package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxFile is the longest text that file("…") reads, in octets: it is meant for
// one value, and a device that never ends must not be one.
const maxFile = 64 << 10

// functions returns what values in the file of that name may call, at load.
func (l *loader) functions(filename string) *hcl.EvalContext {
	if ctx := l.contexts[filename]; ctx != nil {
		return ctx
	}
	ctx := &hcl.EvalContext{Functions: map[string]function.Function{
		"env": textFunction("name", func(name string) (string, error) {
			s, set := os.LookupEnv(name)
			if !set {
				return "", fmt.Errorf("%q is not set in popgate's environment: set it before popgate starts", name)
			}
			return s, nil
		}),
		"file": textFunction("path", func(path string) (string, error) {
			return readText(within(path, filename))
		}),
	}}
	l.contexts[filename] = ctx
	return ctx
}

// textFunction makes a function from text to text; what read returns loses one
// newline at its end, as files have one there that isn't meant.
func textFunction(param string, read func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: param, Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := read(args[0].AsString())
			if err == nil && !utf8.ValidString(s) {
				err = errors.New("the text is not UTF-8: write it in UTF-8")
			}
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			if cut, found := strings.CutSuffix(s, "\n"); found {
				s = strings.TrimSuffix(cut, "\r")
			}
			return cty.StringVal(s), nil
		},
	})
}

// readText reads a small regular file.
func readText(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("can't read %q: %w; let popgate read the file, or name another one", path, cause(err))
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%q is not a regular file: name a file that holds just the value", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("can't read %q: %w; let popgate read the file, or name another one", path, cause(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("can't read %q: %w", path, cause(err))
	}
	if len(b) > maxFile {
		return "", fmt.Errorf("%q is longer than %d octets: name a file that holds just the value", path, maxFile)
	}
	return string(b), nil
}

// within resolves a path that was written in the file of that name.
func within(path, filename string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(filename), path)
}
