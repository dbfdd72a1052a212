"""The registry's own client on an application of this process."""

from typing import Any

import msgspec

from contract.asgi import Caller
from llm_schema_registry.client import RegistryClient
from llm_schema_registry.client.client import _error


class InProcess(RegistryClient):
    """The client on an application of this process."""

    def __init__(self, caller: Caller) -> None:
        super().__init__("http://registry")
        self.caller = caller

    async def _call(
        self,
        method: str,
        path: str,
        result: Any,
        *,
        body: Any = None,
        query: dict[str, str] | None = None,
        media_type: str = "application/json",
    ) -> Any:
        target = f"/{path}" + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
        data = None if body is None else msgspec.json.encode(body)
        answer = await self.caller(method, target, data, {"Content-Type": media_type})
        if answer.status >= 400:
            raise _error(answer.status, answer.body)
        return msgspec.json.decode(answer.body, type=result)
