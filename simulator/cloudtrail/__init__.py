"""CloudTrail records and how each becomes authorization requests."""
