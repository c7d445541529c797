"""The OpenAI Realtime API (GA names) as one dialect over a session."""
