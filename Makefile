# popgate's usual commands. `make test` needs nothing but Go, git and make.

GO       ?= go
RACE     ?= 0
# Runs and not a time: at the end of a time Go's fuzzer may fail a sound target
# ("context deadline exceeded").
FUZZTIME ?= 20000x
DOCKER   ?= docker
LINT     := $(GO) tool -modfile=tools/go.mod
# It runs here, whatever machine popgate is for.
SBOM     ?= env -u GOARCH -u GOARM $(LINT) cyclonedx-gomod

# Where things are made. Debian packages are always made in dist.
BIN  ?= bin
DIST ?= dist

# The commit, where Go doesn't find it: in a worktree of git, or given by whoever
# builds without git (make build REVISION=COMMIT).
REVISION ?= $(if $(wildcard .git/HEAD),,$(shell git --git-dir=.git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null))

# The same commit and the same Go make the same bytes (make reproduce). Without the
# tables for debuggers, as stack traces and profiles don't need them.
LDFLAGS := -s -w $(if $(REVISION),-X main.revision=$(REVISION))
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=true -ldflags '$(LDFLAGS)'

TESTFLAGS := -shuffle=on
ifeq ($(RACE),1)
TESTFLAGS += -race
endif

.PHONY: all build man deb sbom reproduce test check bench fuzz clean

all: build

build: ## bin/popgate, a static binary
	$(BUILD) -o $(BIN)/popgate ./cmd/popgate

man: build ## dist/man, the manual
	rm -rf $(DIST)/man
	$(BIN)/popgate manual $(DIST)/man config.hcl

deb: build ## dist/popgate_VERSION_ARCH.deb
	deploy/debian/build

sbom: build ## dist/popgate.cdx.json, all that is in the binary (CycloneDX)
	mkdir -p $(DIST)
	$(SBOM) bin -json -output-version 1.6 -std -noserial -notimestamp -output $(DIST)/popgate.cdx.json $(BIN)/popgate

reproduce: ## builds all of it twice, in two places, and compares
	deploy/reproduce

.PHONY: image
image: ## the container image popgate; needs docker, or DOCKER=podman
	$(DOCKER) build --build-arg VERSION=$$(git describe --tags --dirty 2>/dev/null) \
		--build-arg REVISION=$$(git describe --always --abbrev=40 --exclude='*' --dirty) -t popgate .

test: ## every test; RACE=1 adds the race detector (which needs gcc)
	$(GO) test $(TESTFLAGS) ./...

check: ## formatting, vet, staticcheck, tidy modules, the manifests in deploy
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(LINT) staticcheck ./...
	$(GO) mod tidy -diff
	$(GO) mod verify
	cd tools && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) tool staticcheck ./... && $(GO) test $(TESTFLAGS) ./...

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
	rm -rf bin dist
