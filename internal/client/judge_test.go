package client

import (
	"fmt"
	"strings"
	"testing"
)

// feed lets a device that was welcomed at event 0 see the given event numbers;
// event n is message n of one conversation.
func feed(numbers ...int) View {
	d := &Device{}
	d.record([]byte(`{"type":"welcome","cursor":"00000000000000aa-0"}`))
	for _, n := range numbers {
		d.record(fmt.Appendf(nil, `{"type":"event","event":{"cursor":"00000000000000aa-%[1]d","seq":%[1]d,"type":"message.created","data":{"id":"m%[1]d","conversation_id":"c","seq":%[1]d,"body":"b"}}}`, n))
	}
	return d.view()
}

// The judge must see every kind of wrong delivery, and nothing in a right one.
func TestCheck(t *testing.T) {
	want := map[string]Message{}
	for _, n := range []uint64{1, 2, 3} {
		id := fmt.Sprintf("m%d", n)
		want[id] = Message{ID: id, ConversationID: "c", Seq: n, Body: "b"}
	}
	for name, row := range map[string]struct {
		numbers []int
		wrong   string
	}{
		"right":     {[]int{1, 2, 3}, ""},
		"hole":      {[]int{1, 3}, "hole"},
		"lost end":  {[]int{1, 2}, "never came"},
		"twice":     {[]int{1, 2, 2, 3}, "more than once"},
		"disorder":  {[]int{2, 1, 3}, "hole"},
		"too many":  {[]int{1, 2, 3, 4}, "unexpected"},
		"late hole": {[]int{1, 2, 4, 3}, "hole"},
	} {
		err := feed(row.numbers...).Check(want)
		if (err == nil) != (row.wrong == "") || (err != nil && !strings.Contains(err.Error(), row.wrong)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	want["m2"] = Message{ID: "m2", ConversationID: "c", Seq: 2, Body: "other"}
	if feed(1, 2, 3).Check(want) == nil {
		t.Error("a changed body went unseen")
	}
}

// A resumed connection must go on exactly where the last one ended.
func TestWelcomeElsewhere(t *testing.T) {
	d := &Device{cursor: "00000000000000aa-7"}
	d.record([]byte(`{"type":"welcome","cursor":"00000000000000aa-9"}`))
	if d.view().Check(nil) == nil {
		t.Error("a resume that skipped two events went unseen")
	}
	if d.view().Cursor != "00000000000000aa-7" {
		t.Error("it goes on from a welcome that skipped two events")
	}
	d.record([]byte(`{"type":"resync","cursor":"00000000000000aa-9"}`))
	if v := d.view(); len(v.Faults) > 0 || v.Resyncs != 1 || v.Cursor != "00000000000000aa-9" {
		t.Errorf("a resync after it: %+v", v)
	}
	d.record([]byte(`{"type":"welcome","cursor":"00000000000000aa-11"}`))
	d.record([]byte(`{"type":"typing"}`))
	if len(d.view().Faults) != 1 {
		t.Error("a skip with something else than a resync after it went unseen")
	}
}
