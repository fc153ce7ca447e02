"""One object over HTTP: get, apply, merge patch, delete; and its status."""

from __future__ import annotations

from roomfleet.master.local.errors import BadRequest, MethodNotAllowed, Unsupported
from roomfleet.master.local.kubeapi.bodies import read_manifest, read_object
from roomfleet.master.local.kubeapi.handler import APPLY, MERGE, ApiHandler
from roomfleet.master.local.objects import Precondition, Verb


class Item(ApiHandler):
    def get(self, game: str, plural: str, name: str) -> None:
        self.kind(plural, game)
        self.answer(self.objects.get(plural, name))

    def patch(self, game: str, plural: str, name: str) -> None:
        kind = self.kind(plural, game)
        if self.content_type() == APPLY:
            manager = self.get_query_argument("fieldManager", "")
            if not manager:
                raise BadRequest("fieldManager is required for apply patch: add ?fieldManager=NAME")
            manifest = read_manifest(self.request.body, kind, name)
            applied = self.objects.apply(manifest, manager=manager, dry_run=self.dry_run())
            self.answer(applied.object, 201 if applied.verb is Verb.CREATED else 200)
        elif self.content_type() == MERGE:
            self.refuse_dry_run()
            self.answer(self.objects.patch(plural, name, read_object(self.request.body)))
        else:
            raise Unsupported(f"send a patch as {APPLY} or {MERGE}")

    def delete(self, game: str, plural: str, name: str) -> None:
        kind = self.kind(plural, game)
        self.refuse_dry_run()
        options = read_object(self.request.body) if self.request.body.strip() else {}
        asked = options.get("preconditions") or {}
        last = self.objects.delete(plural, name, Precondition(asked.get("resourceVersion"), asked.get("uid")))
        details = {"name": name, "group": kind.group, "kind": kind.plural, "uid": last["metadata"]["uid"]}
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": details,
        }
        self.answer(status)

    def refuse_dry_run(self) -> None:
        """Raises BadRequest: better than doing what was not to be done."""
        if self.dry_run():
            raise BadRequest("dryRun is there for create and apply only")


class ItemStatus(Item):
    def patch(self, game: str, plural: str, name: str) -> None:
        self.kind(plural, game)
        self.refuse_dry_run()
        if self.content_type() != MERGE:
            raise Unsupported(f"send a status patch as {MERGE}")
        self.answer(self.objects.patch_status(plural, name, read_object(self.request.body)))

    def delete(self, game: str, plural: str, name: str) -> None:
        raise MethodNotAllowed("a status cannot be deleted")
