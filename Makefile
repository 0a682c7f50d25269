# Every target is also a plain go or npm command: see scripts/ for the longer ones.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X chatapp/libs/obs.version=$(VERSION)
GOFLAGS_PRODUCT := -tags nomsgpack -trimpath -ldflags '$(LDFLAGS)'

# The UI is rebuilt when one of these is newer than its index.html.
UI_SOURCES := $(shell find web/src web/public web/index.html web/package.json web/vite.config.ts web/tsconfig.json -type f 2>/dev/null)

.PHONY: help run demo build ui test lint gen e2e faults bench smoke tidy fmt clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Build everything and run ChatApp on http://localhost:8080
	@exec bin/chatapp

demo: build ## Run ChatApp with two people and a short history, in chatapp-demo/
	@exec bin/chatapp demo

build: ui ## Build bin/chatapp, with the web UI inside
	GOWORK=off CGO_ENABLED=0 go build $(GOFLAGS_PRODUCT) -o bin/chatapp ./cmd/chatapp

ui: web/dist/index.html ## Build the web UI (skipped when up to date)

test: ## Run every test; installs what they need (Debian, Ubuntu) or names it
	@scripts/test

lint: ## Check style, types, comments and that generated files are current
	@scripts/lint

gen: ## Write generated files: OpenAPI documents, client types, event list
	@scripts/gen

e2e: ## Run the tests of all shapes and of the browser only
	@scripts/test setup ui e2e browser

faults: ## Break 60 things under load, judge, write docs/reliability.md (8 minutes)
	E2E_RACE=0 E2E_CLOCK=1 go -C e2e test -tags nomsgpack -run TestFaults -count 1 -timeout 30m -v . \
		-args -faults 60 -outage 30s -report artifacts/faults -doc docs/reliability.md -seed $(or $(SEED),0)

bench: ui ## Measure the all-in-one on MariaDB (bench/README.md)
	go -C bench run .

smoke: build ## Start the all-in-one, sign two people up, send 100 messages, measure
	@go -C e2e run ./cmd/smoke "$(CURDIR)/bin/chatapp"

tidy: ## Bring go.mod and go.sum of every module up to date
	GOWORK=off go mod tidy
	GOWORK=off go -C tools mod tidy
	go work sync

fmt: ## Format Go and TypeScript in place
	@"$$(scripts/tool golangci-lint)" fmt ./...
	@cd web && npx --no-install biome check --write . >/dev/null

clean: ## Remove what was built; keeps chatapp-data
	rm -rf bin web/dist/assets web/dist/index.html e2e/artifacts

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(UI_SOURCES)
	cd web && npm run build --silent
	@touch $@
