"""Speech in, face out."""
