# make test runs everything a change must pass at least; .ci/run adds formatting,
# vet, staticcheck, the race detector and short fuzzing.

TOOL = go tool -modfile=.ci/tools.mod

.PHONY: build test lint bench

build:
	CGO_ENABLED=0 go build -trimpath -o orrery ./cmd/orrery

test:
	@test -d ../shared/data || echo "skipped: what runs over the real posts and feeds (no ../shared/data)"
	go test ./...

lint:
	test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...

# Compare two runs: make bench > old; …; make bench > new; go tool -modfile=.ci/tools.mod benchstat old new
bench:
	go test -run '^$$' -bench . -benchmem -count 6 ./...
