# make test runs everything a change must pass at least; .ci/run adds formatting,
# vet, staticcheck, the race detector and short fuzzing.

TOOL = go tool -modfile=.ci/tools.mod

.PHONY: build test tools-for-tests axe-for-tests lint bench

build:
	CGO_ENABLED=0 go build -trimpath -o orrery ./cmd/orrery

test: tools-for-tests
	@test -d ../shared/data || echo "skipped: what runs over the real posts and feeds (no ../shared/data)"
	go test ./storage ./... # the longest first, beside the others

# The tests over PostgreSQL start servers of their own (storage/pgtest), feedparser
# reads what we write, Chromium what we show, and Prosody and ejabberd are told of it. Where
# they may, they get all that first; apt would start servers too, which nobody needs.
tools-for-tests: axe-for-tests
	@want=; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || want="$$want postgresql"; \
	/usr/bin/python3 -c "import feedparser" 2>/dev/null || python3 -c "import feedparser" 2>/dev/null || want="$$want python3-feedparser"; \
	command -v chromium >/dev/null || want="$$want chromium fonts-liberation"; \
	command -v prosody >/dev/null || want="$$want prosody"; \
	dpkg -s lua-dbi-sqlite3 >/dev/null 2>&1 || ! command -v dpkg >/dev/null || want="$$want lua-dbi-sqlite3"; \
	command -v ejabberdctl >/dev/null || want="$$want ejabberd"; \
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

# axe-core judges in the browser what we show; its version is the tests'.
AXE = $(shell sed -n 's/^const axeVersion = "\(.*\)"/\1/p' cmd/orrery/browser_test.go)
AXE_DIR = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/orrery/axe-core-$(AXE)

axe-for-tests:
	@if test -e "$(AXE_DIR)/node_modules/axe-core/axe.min.js"; then exit 0; fi; \
	if command -v npm >/dev/null; then \
		echo "installing for the tests: axe-core $(AXE)" && mkdir -p "$(AXE_DIR)" && \
		npm install --prefix "$(AXE_DIR)" --no-save --ignore-scripts --no-audit --no-fund --silent "axe-core@$(AXE)" && exit 0; \
	fi; \
	if [ "$$CI" = true ]; then echo "not installed: axe-core $(AXE)"; exit 1; fi; \
	echo "skipped: the tests that need axe-core (not installed; npm install --prefix $(AXE_DIR) axe-core@$(AXE))"

lint:
	test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...

# Compare two runs: make bench > old; …; make bench > new; go tool -modfile=.ci/tools.mod benchstat old new
bench:
	go test -run '^$$' -bench . -benchmem -count 6 ./...
