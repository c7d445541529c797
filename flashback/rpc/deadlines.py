"""Every call carries one of these deadlines (seconds)."""

QUICK_S = 10.0
"""Look-ups, opening and closing, one sentence of speech."""

PREPARE_S = 60.0
"""Opening a stage: a persona seen for the first time is prepared first."""

SLOW_S = 120.0
"""Work whose length depends on the input: ingest of a file, building a language model."""

SESSION_S = 12 * 3600.0
"""Streams that live as long as a conversation."""
