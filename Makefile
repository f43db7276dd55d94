# popgate's usual commands. `make test` needs nothing but Go, git and make.

GO       ?= go
RACE     ?= 0
# Runs and not a time: at the end of a time Go's fuzzer may fail a sound target
# ("context deadline exceeded").
FUZZTIME ?= 20000x
LINT     := $(GO) tool -modfile=tools/go.mod

TESTFLAGS := -shuffle=on
ifeq ($(RACE),1)
TESTFLAGS += -race
endif

.PHONY: all build test check bench fuzz clean

all: build

build: ## bin/popgate, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/popgate ./cmd/popgate

test: ## every test; RACE=1 adds the race detector (which needs gcc)
	$(GO) test $(TESTFLAGS) ./...

check: ## formatting, vet, staticcheck, tidy modules
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(LINT) staticcheck ./...
	$(GO) mod tidy -diff
	$(GO) mod verify

bench: ## the benchmarks of the packages; bench/README.md compares with peers
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz: ## every fuzz target FUZZTIME each: runs (20000x) or a time (1m)
	@set -e; for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "fuzz $$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
		done; \
	done

clean:
	rm -rf bin
