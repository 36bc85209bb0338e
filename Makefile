# make test runs everything a change must pass at least; .ci/run adds formatting,
# vet, staticcheck, the race detector and short fuzzing.

TOOL = go tool -modfile=.ci/tools.mod

.PHONY: build test tools-for-tests lint bench

build:
	CGO_ENABLED=0 go build -trimpath -o orrery ./cmd/orrery

test: tools-for-tests
	@test -d ../shared/data || echo "skipped: what runs over the real posts and feeds (no ../shared/data)"
	go test ./storage ./... # the longest first, beside the others

# The tests over PostgreSQL start servers of their own (storage/pgtest), and feedparser
# reads what we write. Where they may, they get both first; apt would start a server too,
# which nobody needs.
tools-for-tests:
	@want=; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || want="$$want postgresql"; \
	/usr/bin/python3 -c "import feedparser" 2>/dev/null || python3 -c "import feedparser" 2>/dev/null || want="$$want python3-feedparser"; \
	if [ -z "$$want" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing for the tests:$$want" && \
		mkdir -p /etc/postgresql-common && \
		{ test -e /etc/postgresql-common/createcluster.conf || \
			echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf; } && \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			-o Dpkg::Options::=--force-confold $$want >/dev/null && exit 0; \
	fi; \
	if [ "$$CI" = true ]; then echo "not installed:$$want"; exit 1; fi; \
	echo "skipped: the tests that need$$want (not installed; apt-get install$$want)"

lint:
	test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...

# Compare two runs: make bench > old; …; make bench > new; go tool -modfile=.ci/tools.mod benchstat old new
bench:
	go test -run '^$$' -bench . -benchmem -count 6 ./...
