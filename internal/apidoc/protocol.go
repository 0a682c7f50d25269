package apidoc

import (
	"fmt"
	"slices"
	"strings"

	"chatapp/libs/errs"
)

// section is a part of the prose: paragraphs, then rows of a table. `code` in
// backticks is the only mark-up.
type section struct {
	Title      string
	Paragraphs []string
	Columns    []string
	Rows       [][]string
}

// ID is the section's anchor.
func (s section) ID() string { return strings.ReplaceAll(strings.ToLower(s.Title), " ", "-") }

// prose is what OpenAPI cannot say: conventions, and the WebSocket protocol.
func prose() []section {
	return []section{
		conventions(), eventLog(), webSocket(), clientFrames(), serverFrames(), closeCodes(), problems(),
	}
}

func conventions() section {
	return section{Title: "Conventions", Paragraphs: []string{
		"JSON in UTF-8 with snake_case names, both ways. Unknown fields, duplicate keys and unknown query parameters are refused. Ids are UUIDs, times RFC 3339 in UTC.",
		"Sign in at `POST /api/v1/auth/login` and send the token as `Authorization: Bearer <access_token>`, never in an address. It lives for minutes; `POST /api/v1/auth/refresh` gives the next one to the holder of the refresh cookie.",
		"Lists are paged: pass `limit` (at most 100) and the `next_cursor` of the page before as `cursor`. Cursors are opaque.",
		"Posting a message again with the same `client_id` gives the first message, for ever: after a timeout, send it again.",
	}}
}

func eventLog() section {
	return section{
		Title: "Events",
		Paragraphs: []string{
			"Everything a person may see change is an entry of that person's own log, numbered without gaps: `{\"cursor\", \"seq\", \"type\", \"time\", \"data\"}`. A client keeps one cursor; whoever has applied every number up to it has missed nothing. The same entries come by `GET /api/v1/events`, by WebSocket and by server-sent events.",
			"Entries may arrive twice: apply those whose `seq` is the next one. Pass over types you do not know, but advance the cursor.",
		},
		Columns: []string{"Type", "Data", "Meaning"},
		Rows: [][]string{
			{"`message.created`", "`Message`", "A message, yours from any device included. It also says that its sender has read the conversation up to it."},
			{"`conversation.read`", "`{conversation_id, user_id, read_seq}`", "Somebody, maybe you on another device, has read up to `read_seq`."},
			{"`message.erased`", "`{conversation_id, seq, message_id}`", "A moderator took the text of a message away: show it without. Its `body` is empty wherever it is read from now on. An older server says the same by sending `message.created` again, with an empty `body`."},
		},
	}
}

func webSocket() section {
	return section{Title: "WebSocket", Paragraphs: []string{
		"`GET /api/v1/ws` with the subprotocols `chat.v1` and `bearer.<access_token>`; the server answers `chat.v1`. Programs that are no browsers may send the token as `Authorization: Bearer` and leave out `Origin`.",
		"Refused before the upgrade, as a problem: 401 `unauthenticated`, 403 `origin-not-allowed`, 400 `token-in-url`, 426 `upgrade-required`, 400 `invalid-parameter` when `chat.v1` is not offered.",
		"Frames are JSON texts of at most 64 KiB. The first one is the client's `hello`, within 5 seconds. After `welcome` come all entries after the cursor in order, then live ones as they happen. The server pings every `heartbeat` seconds; a peer that stays silent is closed within 45 s.",
		"To resume, on any server, connect again with the cursor of the last entry you applied. Connect from the `cursor` of `GET /api/v1/conversations` to follow on from that list.",
	}}
}

func clientFrames() section {
	return section{
		Title:   "Frames from the client",
		Columns: []string{"Frame", "Meaning"},
		Rows: [][]string{
			{"`{\"type\":\"hello\",\"cursor\":\"9f86d081884c7d65-42\",\"payload\":\"full\"}`", "First frame. `cursor` is where to go on, \"\" for from now on. `payload` `id` leaves `id` and `conversation_id` of messages only; fetch them by `GET /api/v1/messages/{id}`."},
			{"`{\"type\":\"typing\",\"conversation_id\":\"01920000-0000-7000-8000-000000000002\"}`", "You are writing; repeat every few seconds while you are."},
			{"`{\"type\":\"ack\",\"cursor\":\"9f86d081884c7d65-42\"}`", "Applied up to here. Optional, for the operator's figures."},
			{"`{\"type\":\"presence\"}`", "Accepted, without effect for now."},
			{"`{\"type\":\"reauth\",\"token\":\"<access_token>\"}`", "A fresh token of the same session, before the old one expires."},
		},
	}
}

func serverFrames() section {
	return section{
		Title:   "Frames from the server",
		Columns: []string{"Frame", "Meaning"},
		Rows: [][]string{
			{"`{\"type\":\"welcome\",\"cursor\":\"9f86d081884c7d65-42\",\"heartbeat\":25}`", "Answers `hello`: entries after `cursor` follow."},
			{"`{\"type\":\"event\",\"event\":{\"cursor\":\"9f86d081884c7d65-43\",\"seq\":43,\"type\":\"conversation.read\",\"time\":\"2026-01-02T03:04:05.678901Z\",\"data\":{\"conversation_id\":\"01920000-0000-7000-8000-000000000002\",\"user_id\":\"01920000-0000-7000-8000-000000000001\",\"read_seq\":7}}}`", "One entry of your log."},
			{"`{\"type\":\"resync\",\"reason\":\"cursor-expired\",\"cursor\":\"9f86d081884c7d65-90\",\"snapshot\":\"/api/v1/conversations\"}`", "Your cursor is too old (`cursor-expired`) or from another history (`cursor-ahead`): fetch the snapshot anew; entries after `cursor` follow."},
			{"`{\"type\":\"typing\",\"conversation_id\":\"01920000-0000-7000-8000-000000000002\",\"user_id\":\"01920000-0000-7000-8000-000000000001\"}`", "Somebody is writing. Show it for six seconds. May get lost."},
			{"`{\"type\":\"person\",\"user_id\":\"01920000-0000-7000-8000-000000000001\"}`", "The profile of this person, who may be you, is another: fetch what you show of it. May get lost."},
			{"`{\"type\":\"error\",\"slug\":\"invalid-parameter\",\"detail\":\"…\"}`", "Something you sent was not accepted; the connection stays."},
		},
	}
}

func closeCodes() section {
	return section{
		Title:   "Close codes",
		Columns: []string{"Code", "Meaning", "What to do"},
		Rows: [][]string{
			{"1007", "Text that is not UTF-8", "A bug of the client."},
			{"1009", "Frame larger than 64 KiB", "A bug of the client."},
			{"1012", "The server restarts; the reason is `retry_after_ms=<n>`", "Connect again after that many milliseconds."},
			{"4400", "Malformed or unknown frame, or no `hello`", "A bug of the client."},
			{"4401", "Session ended or token expired", "Refresh the token and connect; sign in again when that fails."},
			{"4403", "`reauth` with another user's token", "Connect anew as that user."},
			{"4408", "The client reads too slowly", "Connect again and resume: nothing is lost."},
			{"4429", "More than 20 frames a second", "Wait, then connect again."},
		},
	}
}

func problems() section {
	slugs := errs.Slugs()
	slices.SortFunc(slugs, func(a, b errs.Slug) int {
		if a.Status() != b.Status() {
			return a.Status() - b.Status()
		}
		return strings.Compare(string(a), string(b))
	})
	s := section{
		Title: "Problems",
		Paragraphs: []string{
			"Every error is `application/problem+json` (RFC 9457). Switch on `type`: the slugs never change. `instance` is the request id; tell it to the operator.",
		},
		Columns: []string{"Status", "Type"},
	}
	for _, slug := range slugs {
		s.Rows = append(s.Rows, []string{fmt.Sprint(slug.Status()), "`/problems/" + string(slug) + "`"})
	}
	return s
}

// markdown is the prose as OpenAPI's description takes it (CommonMark).
func markdown() (string, error) {
	var b strings.Builder
	b.WriteString("A person-to-person message center: sign in, find people, write, see every message arrive at once.\n")
	for _, s := range prose() {
		fmt.Fprintf(&b, "\n## %s\n", s.Title)
		for _, p := range s.Paragraphs {
			fmt.Fprintf(&b, "\n%s\n", p)
		}
		if len(s.Columns) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(s.Columns, " | "), strings.Repeat(" --- |", len(s.Columns)))
		for _, row := range s.Rows {
			if len(row) != len(s.Columns) || strings.Contains(strings.Join(row, ""), "|") {
				return "", fmt.Errorf("apidoc: %s: the row %q does not fit its table", s.Title, row)
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	return b.String(), nil
}
