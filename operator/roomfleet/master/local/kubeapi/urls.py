"""The Kubernetes-shaped HTTP API over the objects: for this machine's own programs only.

    /apis, /apis/GROUP, /apis/GROUP/VERSION                  discovery
    /apis/GROUP/VERSION/PLURAL                               list and watch
    /apis/GROUP/VERSION/namespaces/GAME/PLURAL               list, watch, create
    /apis/GROUP/VERSION/namespaces/GAME/PLURAL/NAME          get, apply, merge patch, delete
    /apis/GROUP/VERSION/namespaces/GAME/PLURAL/NAME/status   get, merge patch
    /apis/GROUP/VERSION/namespaces/GAME/PLURAL/NAME/scale    get, merge patch, update

Errors are metav1.Status objects. The server must not run with `xheaders`.
"""

from __future__ import annotations

from tornado.routing import URLSpec

from roomfleet.master.local.kubeapi.discovery import Group, Groups, Nothing, Resources
from roomfleet.master.local.kubeapi.items import Item, ItemStatus
from roomfleet.master.local.kubeapi.listing import Collection, Everywhere
from roomfleet.master.local.kubeapi.scale import ItemScale
from roomfleet.master.local.objects import Objects


def local_api_handlers(objects: Objects) -> list[URLSpec]:
    """The routes of the API, for a Tornado application."""
    given = {"objects": objects}
    first = next(iter(objects.kinds))
    group = f"/apis/{first.group}"
    version = f"{group}/{first.version}"
    games = rf"{version}/namespaces/(?P<game>[^/]+)"
    return [
        URLSpec(r"/apis/?", Groups, given),
        URLSpec(rf"{group}/?", Group, given),
        URLSpec(rf"{version}/?", Resources, given),
        URLSpec(rf"{games}/(?P<plural>[^/]+)/(?P<name>[^/]+)/status", ItemStatus, given),
        URLSpec(rf"{games}/(?P<plural>[^/]+)/(?P<name>[^/]+)/scale", ItemScale, given),
        URLSpec(rf"{games}/(?P<plural>[^/]+)/(?P<name>[^/]+)", Item, given),
        URLSpec(rf"{games}/(?P<plural>[^/]+)/?", Collection, given),
        URLSpec(rf"{version}/(?P<plural>[^/]+)/?", Everywhere, given),
        URLSpec(r"/apis/.*", Nothing, given),
    ]
