"""One folder per process. No service imports another: they meet only on the wire."""
