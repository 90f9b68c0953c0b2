"""How reports name what a check was about."""

from simulator.decision.request import UNKNOWN, Request, ResourceShape
from simulator.iam.arn import s3_bucket_of


def resource_label(request: Request) -> str:
    """The resource as reports list it: S3 objects fold to their bucket."""
    if isinstance(request.resource, ResourceShape):
        return request.resource.text
    if request.resource is UNKNOWN:
        return "(unknown)"
    bucket = s3_bucket_of(request.resource)
    if bucket is not None and "/" in request.resource:
        return request.resource.split("/", 1)[0] + "/*"
    return request.resource
