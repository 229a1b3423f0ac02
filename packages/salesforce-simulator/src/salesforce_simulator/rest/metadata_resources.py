"""What the API tells about itself: resources, objects, fields, limits."""

from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from itertools import islice
from typing import Any

from salesforce_simulator.hosts import login_url
from salesforce_simulator.metadata.describe import describe, describe_briefly
from salesforce_simulator.org import Org
from salesforce_simulator.rest.request import RestRequest, RestResponse
from salesforce_simulator.rest.sobjects import find_object

# At most so many describes are kept.
_DESCRIBED = 200
_RESOURCES = ("sobjects", "query", "queryAll", "parameterizedSearch", "limits", "composite")
# Name and daily maximum, as a Developer Edition org reports them (v50).
_OTHER_LIMITS = (
    ("DailyBulkApiBatches", 15_000),
    ("DailyBulkV2QueryJobs", 10_000),
    ("DataStorageMB", 5_120),
    ("FileStorageMB", 20_480),
    ("HourlyODataCallout", 1_000),
    ("MassEmail", 5_000),
    ("SingleEmail", 5_000),
)


def resources(org: Org, call: RestRequest) -> RestResponse:
    """The resources of this version. `identity` is a whole address: clients ask it who they are."""
    paths = {name: f"{call.root}/{name}" for name in _RESOURCES}
    return RestResponse(
        200, {**paths, "identity": f"{login_url(org, call.base_url)}/id/{org.id}/{call.user_id}"}
    )


def limits(org: Org, call: RestRequest) -> RestResponse:
    maximum = org.config.api_limit.max
    daily = {"Max": maximum, "Remaining": max(0, maximum - org.api_used)}
    others = {name: {"Max": value, "Remaining": value} for name, value in _OTHER_LIMITS}
    return RestResponse(200, {"DailyApiRequests": daily, **others})


def record_counts(org: Org, call: RestRequest) -> RestResponse:
    """Rows by object, of those that `sObjects` names or of all; ids in the recycle bin count too."""
    names = [name for name in call.query.get("sObjects", "").split(",") if name] or list(org.schema.objects)
    found = [sobject for sobject in map(org.sobject, names) if sobject is not None]
    counts = [{"count": len(org.store.table(one.name).rows), "name": one.name} for one in found]
    return RestResponse(200, {"sObjects": counts})


def everything(org: Org, call: RestRequest) -> RestResponse:
    objects = [
        describe_briefly(sobject, org.config, call.root) for _, sobject in sorted(org.schema.objects.items())
    ]
    return _unless_known(org, call, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})


def basic(org: Org, call: RestRequest) -> RestResponse:
    sobject = find_object(org, call.segments[1])
    newest_first = reversed(org.store.table(sobject.name).rows.values())
    recent = islice((row for row in newest_first if not row["IsDeleted"] and org.is_visible(row)), 1)
    items = [
        {
            "attributes": {"type": sobject.name, "url": f"{call.root}/sobjects/{sobject.name}/{row['Id']}"},
            "Id": row["Id"],
            "Name": row.get("Name"),
        }
        for row in recent
    ]
    return RestResponse(
        200, {"objectDescribe": describe_briefly(sobject, org.config, call.root), "recentItems": items}
    )


def one(org: Org, call: RestRequest) -> RestResponse:
    """The describe of an object, the same for all until the configuration changes; do not change it."""
    sobject = find_object(org, call.segments[1])
    known, key = org.rights_of(org.acting_id).described, (sobject.name, call.root, call.base_url)
    if key not in known:
        if len(known) >= _DESCRIBED:
            known.clear()
        known[key] = describe(org.schema, sobject, org.config, root=call.root, base_url=call.base_url)
    return _unless_known(org, call, known[key])


def _unless_known(org: Org, call: RestRequest, body: dict[str, Any]) -> RestResponse:
    """304 when nothing changed since If-Modified-Since."""
    changed_at = org.schema_changed_at.astimezone(UTC).replace(microsecond=0)
    tag = f'"{int(changed_at.timestamp()):08x}"'
    stamp = {"ETag": tag, "Last-Modified": format_datetime(changed_at, usegmt=True)}
    since = call.headers.get("if-modified-since")
    try:
        is_known = since is not None and parsedate_to_datetime(since) >= changed_at
    except (ValueError, TypeError):
        is_known = False
    return RestResponse(304, None, stamp) if is_known else RestResponse(200, body, stamp)
