"""Numeric parity of the engines' own classes with recorded reference runs."""
