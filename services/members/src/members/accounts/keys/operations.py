"""Key rotation by hand, on the internal port."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis.db import transaction
from chassis.ops import body_of, guarded
from chassis.runtime import Runtime
from members.accounts.keys import commands
from members.vault import vault_of


def routes(runtime: Runtime) -> list[Route]:
    """Return `POST /ops/keys/rotate {"withdraw": kid?}` → `{"kid", "signs_from"}`."""

    async def rotate(request: Request) -> Response:
        withdraw = (await body_of(request)).get("withdraw")
        if withdraw is not None and not isinstance(withdraw, str):
            raise HTTPException(422, "`withdraw` takes the kid of a key.")
        try:
            async with transaction(runtime.worker_engine) as session:
                key = await commands.rotate(session, vault_of(runtime), withdraw=withdraw)
        except LookupError as error:
            raise HTTPException(404, "There is no such key.") from error
        return JSONResponse({"kid": key.kid, "signs_from": key.signs_from.isoformat()})

    token = runtime.settings.ops_token.get_secret_value()
    return [Route("/ops/keys/rotate", guarded(token, rotate), methods=["POST"])]
