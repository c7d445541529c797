"""Speech -> 52 blendshape weights, 30 frames a second: recordings through a queue, live speech as it is spoken."""
