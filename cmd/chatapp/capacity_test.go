package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestCapacitySaysWhatBreaksFirst(t *testing.T) {
	for args, want := range map[string]string{
		"--users 1e6":                        "1.39k messages/s",
		"--users 1e6 --messages-per-day 400": "13.9k messages/s",
		"--users 1e6 --online 0.5":           "750k connections",
		"--users 20e3":                       "connections of one process",
		"--users 0":                          "--users: want at least 1",
		"--users NaN":                        "--users: want at least 1",
		"--users 10 --members 1":             "--members: want at least 2",
	} {
		var out bytes.Buffer
		code := execute(t.Context(), program{args: append([]string{"capacity"}, strings.Fields(args)...), out: &out, errs: &out})
		if !strings.Contains(out.String(), want) || (code == 0) == strings.Contains(want, "want at least") {
			t.Errorf("%s: exit code %d\n%s", args, code, out.String())
		}
	}
}
