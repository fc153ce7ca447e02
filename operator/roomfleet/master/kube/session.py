"""kopf's connections to the API server: what is not served for a moment is asked for again.

An API server that starts answers 404 for custom resources until it has read their definitions. kopf 1.45
gives up then, and the whole operator with it.
"""

from __future__ import annotations

import aiohttp
import kopf

from roomfleet.master.kube.client import GROUP


class NotServedYet(aiohttp.ClientConnectionError):
    """The resource is not served, or not yet. kopf retries errors of connections."""


def session_of(info: kopf.ConnectionInfo) -> kopf.AiohttpSession:
    """The same credentials, for kopf, with the patience that it lacks. Call it on kopf's loop."""
    return kopf.AiohttpSession(
        server=info.server,
        default_namespace=info.default_namespace,
        aiohttp_session=aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
            headers=info.as_http_headers(),
            middlewares=(_patient,),
        ),
    )


async def _patient(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    answer = await handler(request)
    if answer.status == 404 and request.url.path.startswith(GROUP + "/"):
        answer.close()
        raise NotServedYet(f"{request.url.path} is not served: is its CRD applied?")
    return answer
