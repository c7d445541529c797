"""Animates a persona's portrait from 52 ARKit blendshape weights, on the CPU."""

from services.renderer.engines.rig.engine import create

__all__ = ["create"]
