package combine

// Waiting says how many requests of a key wait for a flush.
func (c *Combiner[Key, Request, Outcome]) Waiting(key Key) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.queues[key]; q != nil {
		return len(q.waiting)
	}
	return 0
}

// Keys says of how many keys something waits or is under way.
func (c *Combiner[Key, Request, Outcome]) Keys() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queues)
}
