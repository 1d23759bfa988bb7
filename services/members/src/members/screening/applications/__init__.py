"""Applications: answers, the decision about them and why, the waiting list, the queue of those who review."""
