"""WebRTC peers, and the only place that paces by wall time."""
