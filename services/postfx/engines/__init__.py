"""Grading engines; each fulfils `services.postfx.engine.GradeEngine`."""
