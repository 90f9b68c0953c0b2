"""How reports name what a check was about."""

from simulator.decision.request import UNKNOWN, Resource, ResourceShape
from simulator.iam.arn import s3_bucket_of


def resource_label(resource: Resource) -> str:
    """The resource as reports list it: S3 objects fold to their bucket."""
    if isinstance(resource, ResourceShape):
        return resource.text
    if resource is UNKNOWN:
        return "(unknown)"
    bucket = s3_bucket_of(resource)
    if bucket is not None and "/" in resource:
        return resource.split("/", 1)[0] + "/*"
    return resource
