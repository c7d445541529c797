"""Speech engines; each fulfils `services.tts.engine.SpeechEngine`."""
