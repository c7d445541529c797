"""Sessions, turns, barge-in, public HTTP and realtime API."""
