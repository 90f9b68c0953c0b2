"""Renderers: an impact becomes text for people and machines."""
