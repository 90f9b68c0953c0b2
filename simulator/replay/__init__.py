"""Replaying records against current and proposed guardrails, folded into an impact."""
