"""Everything that talks to AWS. Every client comes from `session.Aws.client`, which lets read-only operations pass."""
