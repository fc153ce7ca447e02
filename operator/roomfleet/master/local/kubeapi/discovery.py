"""What there is, over HTTP: groups, versions and resources, as clients ask before anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roomfleet.master.local.errors import NotFound
from roomfleet.master.local.kubeapi.handler import ApiHandler
from roomfleet.master.local.objects import Objects


class Discovery(ApiHandler):
    content: Callable[[Objects], dict[str, Any]]

    def get(self) -> None:
        self.answer(type(self).content(self.objects))


class Nothing(ApiHandler):
    def prepare(self) -> None:
        super().prepare()
        raise NotFound(self.request.path, "path")


class Groups(Discovery):
    @staticmethod
    def content(objects: Objects) -> dict[str, Any]:
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(objects)]}


class Group(Discovery):
    @staticmethod
    def content(objects: Objects) -> dict[str, Any]:
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(objects)}


class Resources(Discovery):
    @staticmethod
    def content(objects: Objects) -> dict[str, Any]:
        return _resources(objects)


def _group(objects: Objects) -> dict[str, Any]:
    kind = next(iter(objects.kinds))
    version = {"groupVersion": kind.api_version, "version": kind.version}
    return {"name": kind.group, "versions": [version], "preferredVersion": version}


def _resources(objects: Objects) -> dict[str, Any]:
    resources: list[dict[str, Any]] = []
    for kind in objects.kinds:
        resources.append(
            {
                "name": kind.plural,
                "singularName": kind.singular,
                "namespaced": True,
                "kind": kind.kind,
                "verbs": ["create", "delete", "get", "list", "patch", "watch"],
                "shortNames": list(kind.short_names),
                "categories": list(kind.categories),
            }
        )
        resources.append(
            {
                "name": f"{kind.plural}/status",
                "singularName": "",
                "namespaced": True,
                "kind": kind.kind,
                "verbs": ["get", "patch"],
            }
        )
        if kind.scale is not None:
            resources.append(
                {
                    "name": f"{kind.plural}/scale",
                    "singularName": "",
                    "namespaced": True,
                    "group": "autoscaling",
                    "version": "v1",
                    "kind": "Scale",
                    "verbs": ["get", "patch", "update"],
                }
            )
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": next(iter(objects.kinds)).api_version,
        "resources": resources,
    }
