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

.PHONY: help run demo build ui test lint gen e2e faults upgrade fuzz bench fmt clean up down restart logs ps shell

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

upgrade: ## Roll from the release before (e2e/previous, out of git) to this one and back, under load
	E2E_RACE=0 go -C e2e test -tags nomsgpack -run 'TestRollingUpgrade|TestStartOrder' -count 1 -timeout 15m -v . -args -previous -orders 10

fuzz: ## Fuzz every decoder for FUZZTIME (1m) each, then a million random requests
	@scripts/fuzz

bench: ui ## Measure the all-in-one on MariaDB (bench/README.md)
	go -C bench run .

fmt: ## Format Go and TypeScript in place
	@"$$(scripts/tool golangci-lint)" fmt ./...
	@cd web && npx --no-install biome check --write . >/dev/null

clean: ## Remove what was built and, if you say yes, the Compose stack with all its data
	rm -rf bin web/dist/assets web/dist/index.html e2e/artifacts
	@if docker compose ps -aq 2>/dev/null | grep -q .; then \
	  read -rp 'Also delete the Compose stack and ALL ITS DATA? Type yes: ' answer; \
	  if [[ $$answer == yes ]]; then docker compose down --volumes; fi; \
	fi

up: ## Start the whole with Docker Compose on http://localhost:8080
	docker compose up -d --wait

down: ## Stop it; data stays
	docker compose down

restart: ## Restart it, or one service: make restart S=messages
	docker compose restart $(S)

logs: ## Follow the logs, or one service's: make logs S=messages
	docker compose logs -f --tail 100 $(S)

ps: ## What is running
	docker compose ps

shell: ## Look into a service: make shell S=messages (its settings; images of services hold no shell)
	@case '$(S)' in \
	  gateway|nats-*) docker compose exec $(S) sh ;; \
	  mysql) docker compose exec mysql sh -c 'MYSQL_PWD=$$(cat /run/secrets/mysql/root.password) mysql -uroot' ;; \
	  auth|users|messages|notify) docker compose exec $(S) /service config ;; \
	  *) echo 'which one? make shell S=auth|users|messages|notify|gateway|nats-0|mysql' >&2; exit 2 ;; \
	esac

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(UI_SOURCES)
	cd web && npm run build --silent
	@touch $@
