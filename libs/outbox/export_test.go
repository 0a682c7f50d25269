package outbox

// Waiting is how many rows are queued or under way in this process.
func (r *Relay) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.busy)
}
