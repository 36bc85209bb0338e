# make test runs everything a change must pass at least; .ci/run adds formatting,
# vet, staticcheck, the race detector and short fuzzing.

TOOL = go tool -modfile=.ci/tools.mod

.PHONY: build test tools-for-tests lint bench

build:
	CGO_ENABLED=0 go build -trimpath -o orrery ./cmd/orrery

test: tools-for-tests
	@test -d ../shared/data || echo "skipped: what runs over the real posts and feeds (no ../shared/data)"
	go test ./...

# The tests over PostgreSQL start servers of their own (storage/pgtest). Where they
# may, they get it first; apt would start a server too, which nobody needs.
tools-for-tests:
	@if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing PostgreSQL for the tests"; \
		mkdir -p /etc/postgresql-common && \
		{ test -e /etc/postgresql-common/createcluster.conf || \
			echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf; } && \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			-o Dpkg::Options::=--force-confold postgresql >/dev/null && exit 0; \
	fi; \
	if [ "$$CI" = true ]; then echo "PostgreSQL is not installed; install postgresql"; exit 1; fi; \
	echo "skipped: the tests over PostgreSQL (it is not installed; apt-get install postgresql)"

lint:
	test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...

# Compare two runs: make bench > old; …; make bench > new; go tool -modfile=.ci/tools.mod benchstat old new
bench:
	go test -run '^$$' -bench . -benchmem -count 6 ./...
