"""The organization tree, its guardrails, and proposals to change them."""
