"""The endpoint that says why somebody is missing in Salesforce."""

from fastapi import APIRouter, Response

from app.api.calls import MemberCall
from app.diagnosis.schemas import Diagnosis, WhoIsMissing
from app.diagnosis.service import diagnose

router = APIRouter(prefix="/v1/hosts/{host_id}/salesforce", tags=["monitor"])


@router.post("/diagnosis")
async def diagnose_missing(call: MemberCall, who: WhoIsMissing, response: Response) -> Diagnosis:
    """Why somebody, or everybody, is missing in Salesforce; changes nothing.

    A POST, since an e-mail address belongs into no URL.
    """
    response.headers["Cache-Control"] = "no-store"
    return await diagnose(call, who)
