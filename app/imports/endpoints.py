"""The endpoint for registrations that existed before the service did."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from app.api.auth import Principal, require_scope
from app.api.dependencies import ResourcesDep
from app.api.errors import MediaTypeUnsupported, ProblemBody
from app.imports.lines import ImportLine, LineAnswer
from app.imports.stream import Importer, NdjsonImportResponse
from app.webhooks.openapi import inlined

router = APIRouter(prefix="/v1/imports", tags=["imports"])

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
ImportDep = Annotated[Principal, Depends(require_scope("import"))]


def _lines(model: type[Any]) -> dict[str, Any]:
    """A text of which each line is JSON of this model: no schema says so of the whole."""
    of_line = inlined(model.model_json_schema())
    about = f"Each line is JSON of the schema `{model.__name__}`."
    return {
        "schema": {
            "type": "string",
            "description": about,
            "contentMediaType": NDJSON[0],
            "contentSchema": of_line,
        }
    }


@router.post(
    "/registrations",
    status_code=200,
    response_class=NdjsonImportResponse,
    responses={
        200: {
            "description": "A line for every line, while they are read",
            "content": {NDJSON[0]: _lines(LineAnswer)},
        },
        415: {"model": ProblemBody, "description": "Not NDJSON"},
    },
    openapi_extra={"requestBody": {"required": True, "content": {NDJSON[0]: _lines(ImportLine)}}},
    summary="Import registrations, a line each",
)
async def import_registrations(
    request: Request, principal: ImportDep, resources: ResourcesDep
) -> NdjsonImportResponse:
    """Read NDJSON of any length and answer line by line.

    Lines are committed in chunks; the answer to a line follows its commit. A line that cannot be used is
    rejected alone. Sent again, the same lines are `unchanged`.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in NDJSON or request.headers.get("content-encoding", "identity") != "identity":
        raise MediaTypeUnsupported
    settings = resources.settings
    importer = Importer(
        resources.database, resources.wakeups, settings.hash_pepper, line_bytes=settings.webhook_max_bytes
    )
    return NdjsonImportResponse(importer, request)
