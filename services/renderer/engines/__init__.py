"""One module or folder per way of drawing a face."""
