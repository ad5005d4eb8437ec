"""The file with which WeChat proves that a domain is ours: MP_verify_….txt at the root (公众平台 › 网页授权域名)."""

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER = "verify"
LONGEST = 1024  # bytes; it holds one word


class Proof:
    """Serves what lies in `data_dir/verify`, and nothing else."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER

    async def show(self, request: Request) -> Response:
        code: str = request.path_params["code"]
        if not (code.isascii() and code.isalnum()):
            return PlainTextResponse("", status_code=404)
        try:
            content = await asyncio.to_thread(self._read, f"MP_verify_{code}.txt")
        except OSError:
            return PlainTextResponse("", status_code=404)
        return PlainTextResponse(content)

    def _read(self, name: str) -> str:
        with (self._folder / name).open("rb") as file:
            return file.read(LONGEST).decode("ascii", "replace")


def proofs_in(data_dir: Path) -> list[str]:
    """The names of the files that lie there."""
    return sorted(file.name for file in (data_dir / FOLDER).glob("MP_verify_*.txt"))
