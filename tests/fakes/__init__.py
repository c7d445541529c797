"""Stand-ins for servers that are not ours, true to what the real ones send."""
