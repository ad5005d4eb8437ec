"""What went wrong, as `application/problem+json` (RFC 9457): a stable `type`, and a sentence for whoever reads it."""

from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.escalations.handling import MISSING, Came, Handled
from bot.wording import wording

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
STATUSES = {
    Came.YOURS: 409, Came.TAKEN: 409, Came.NOT_YOURS: 409, Came.RESOLVED: 409, Came.OUT_OF_DATE: 409,
    Came.NOT_FOR_YOU: 404, Came.NO_COLLEAGUE: 422, Came.UNREACHABLE: 409, Came.NEWS: 409,
    **dict.fromkeys(MISSING, 422),
}  # fmt: skip


class Colleague(BaseModel):
    """A member of staff."""

    code: str
    name: str


class ProblemOut(BaseModel):
    """`owner`: who has the case, where that is what is in the way. `where`: the parts of the request that are wrong."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "/problems/taken", "title": "Taken", "status": 409, "detail": "李红 已经接手了，没有改动。",
                "owner": {"code": "lihong", "name": "李红"},
            }
        }
    )  # fmt: skip
    type: str
    title: str
    status: int
    detail: str
    owner: Colleague | None = None
    where: list[str] | None = None


class Problem(Exception):  # noqa: N818 - the standard's name for it
    """`kind` names the type and the sentence."""

    def __init__(self, kind: str, status: int, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(kind)
        self.kind, self.status, self.headers, self.more = kind, status, headers, more


def refused(handled: Handled) -> Problem:
    """What came of a case's verb, if it came to nothing. Not theirs to see is the same as not there."""
    if handled.came is Came.NOT_FOR_YOU:
        return Problem("not_found", 404)
    owner = Colleague(code=handled.owner.code, name=handled.owner.name) if handled.owner else None
    return Problem(handled.came.value, STATUSES[handled.came], owner=owner)


def answer(problem: Problem) -> Response:
    owner: Colleague | None = problem.more.get("owner")
    said = ProblemOut(
        type=f"/problems/{problem.kind.replace('_', '-')}",
        title=problem.kind.replace("_", " ").capitalize(),
        status=problem.status,
        detail=wording().say(f"api.{problem.kind}", owner=owner.name if owner else wording().say("people.somebody")),
        **problem.more,
    )
    return JSONResponse(
        said.model_dump(exclude_none=True), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def speak_problems(api: FastAPI) -> None:
    """Whatever goes wrong in `api` is answered in this one form, and repeats nothing of what was sent."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - for the type checker: registered for nothing else
        return answer(error)

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        where = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors()})
        return answer(Problem("invalid", 422, where=where))

    async def of_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        kind = {400: "invalid", 404: "not_found", 405: "no_such_method"}.get(error.status_code, "broken")
        return answer(Problem(kind, error.status_code, headers=dict(error.headers or {})))

    async def broken(request: Request, error: Exception) -> Response:
        log.error("api broken", method=request.method, error=type(error).__name__)
        return answer(Problem("broken", 500))

    api.add_exception_handler(Problem, ours)
    api.add_exception_handler(RequestValidationError, invalid)
    api.add_exception_handler(HTTPException, of_http)
    api.add_exception_handler(Exception, broken)
