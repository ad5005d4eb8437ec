"""The peer of `tongxing bench escalation`: the least that could be called an alarm.

A Starlette handler that checks, decrypts and reads a message with wechatpy, and posts a card with httpx before it
answers if it knows the text by heart. No database, no screening, no case, no second try.

Run as `python -m app.bench.plain PORT API TOKEN KEY APP_ID`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto

from app.bench.arrivals import CODE, DANGEROUS, TEMPLATE
from app.tuning import tune


def plain_app(api: str, token: str, key: str, app_id: str) -> Starlette:
    crypto = WeChatCrypto(token, key, app_id)
    client = httpx.AsyncClient(base_url=api, trust_env=False)

    async def deliver(request: Request) -> Response:
        query = request.query_params
        xml = crypto.decrypt_message(
            (await request.body()).decode(), query["msg_signature"], query["timestamp"], query["nonce"]
        )
        message = parse_message(xml)
        if message.type != "text":
            return PlainTextResponse("success")
        if message.content in DANGEROUS:
            card = {"touser": "o_worker", "template_id": "TPL_DUTY", "data": {CODE: {"value": message.source}}}
            answer = await client.post(f"/cgi-bin{TEMPLATE.decode()}", params={"access_token": "t"}, json=card)
            answer.raise_for_status()
        reply = create_reply("好的，收到了。", message).render()
        return Response(crypto.encrypt_message(reply, query["nonce"]), media_type="application/xml")

    async def readyz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    routes = [Route("/wechat", deliver, methods=["POST"]), Route("/readyz", readyz)]
    return Starlette(routes=routes, lifespan=lifespan)


if __name__ == "__main__":
    app = plain_app(*sys.argv[2:])
    tune()
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False, timeout_keep_alive=65)
