"""orgsim: rehearse AWS Organizations SCPs and RCPs against CloudTrail history."""

__version__ = "0.1.0"
