package notify

import (
	"encoding/json"

	"chatapp/libs/bus"
	"chatapp/libs/events"
)

// watchPeople listens for changes of people, for all users of this node at once:
// they are rare.
func (h *hub) watchPeople() *bus.Watcher {
	w := h.bus.Watch(h.deliver)
	if err := w.Add(personSubject); err != nil {
		h.log.Error("changes of people are not heard", "error", err)
	}
	return w
}

// personChanged passes on that somebody has another name or picture to those
// of whom the messages service says that they see it.
func (h *hub) personChanged(raw []byte) error {
	var change events.PersonChanged
	if err := json.Unmarshal(raw, &change); err != nil {
		return err
	}
	for _, user := range change.Tell {
		err := h.toFeed(user, func(f *feed) error {
			f.each(func(c *client) { c.hint(personFrame(c.format, change.UserID)) })
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
