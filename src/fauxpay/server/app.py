"""App: the addresses of the server, all GET, and their OpenAPI.

Reads    runs below a root; the files of the page
Writes   answers
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import FileResponse, HTMLResponse, Response

from fauxpay import __version__
from fauxpay.readers.run import Store
from fauxpay.report.writing import report_path
from fauxpay.server import campaigns, cards, rings, summaries
from fauxpay.server.asked import (
    CampaignId,
    CampaignsAsked,
    CardId,
    CardsAsked,
    GraphAsked,
    PartAsked,
    RunId,
    SharedAsked,
    TimelineAsked,
)
from fauxpay.server.guard import Guard
from fauxpay.server.problems import MEDIA_TYPE, Refused, tell_problems
from fauxpay.server.shapes import (
    Campaigns,
    Cards,
    Graph,
    Problem,
    RunFacts,
    Runs,
    Story,
    Timeline,
)
from fauxpay.server.shelf import Shelf
from fauxpay.storage.places import local_copy

if TYPE_CHECKING:
    from starlette.types import ASGIApp

OPENAPI = "/api/openapi.json"
MEMORY = "512MB"
PAGE_FILES = {
    "style.css": "text/css",
    "app.js": "text/javascript",
    "parts.js": "text/javascript",
    "runs.js": "text/javascript",
    "cards.js": "text/javascript",
    "campaigns.js": "text/javascript",
    "ring.js": "text/javascript",
}
_REFUSALS = {
    403: "This server shows no truth.",
    404: "There is no such thing.",
    409: "The run did not pass.",
    421: "The request is for another host.",
    422: "The request cannot be understood.",
    503: "The run's files are missing or were changed.",
}


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served.

    store             the runs below a root
    opened            id of the run that the page begins with
    is_truth_allowed  whether truth and campaigns may be asked for
    is_local          whether only this machine may ask
    memory            limit of each database
    """

    store: Store
    opened: str
    is_truth_allowed: bool = True
    is_local: bool = True
    memory: str = MEMORY


def application(serving: Serving) -> ASGIApp:
    """The server as an ASGI application."""
    app = FastAPI(
        title="fauxpay",
        version=__version__,
        description="A fabricated world of card payments, to look at. Read only.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    tell_problems(app)
    shelf = Shelf(serving.store, serving.memory)
    app.include_router(_pages())
    app.include_router(_runs(shelf, serving))
    app.include_router(_cards(shelf, serving))
    app.include_router(_campaigns(shelf, serving))
    spec = _openapi(app)
    app.get(OPENAPI, include_in_schema=False)(lambda: spec)
    return Guard(app, serving.is_local)


def _pages() -> APIRouter:
    """The page and its files; nothing of them comes from elsewhere."""
    router = APIRouter(include_in_schema=False)
    folder = files("fauxpay.server").joinpath("page")

    @router.get("/")
    def page() -> Response:
        return HTMLResponse(folder.joinpath("index.html").read_text(encoding="utf-8"))

    @router.get("/page/{name}")
    def page_file(name: str) -> Response:
        if name not in PAGE_FILES:
            raise Refused(404, f"no file {name!r}", ", ".join(PAGE_FILES))
        return Response(folder.joinpath(name).read_bytes(), media_type=PAGE_FILES[name])

    return router


def _runs(shelf: Shelf, serving: Serving) -> APIRouter:
    router = APIRouter(tags=["runs"])
    allowed = serving.is_truth_allowed

    @router.get("/api/runs", summary="Runs, the newest first", responses=_refusals(422))
    def list_runs(asked: Annotated[PartAsked, Query()]) -> Runs:
        return summaries.runs(shelf.runs(), serving.opened, allowed, asked.part)

    @router.get("/api/runs/{run_id}", summary="A run and its gates", responses=_of_run())
    def show_run(run_id: RunId) -> RunFacts:
        return summaries.facts(shelf.run(run_id), allowed)

    @router.get(
        "/runs/{run_id}/report",
        summary="The report of a run, where `fauxpay report` made one",
        response_class=HTMLResponse,
        responses=_of_run(403),
    )
    def report(run_id: RunId) -> Response:
        _require_truth(allowed)
        path = report_path(shelf.run(run_id))
        if not path.is_file():
            made = f"report.html; `fauxpay report {run_id}` makes it"
            raise Refused(404, f"run {run_id} has no report", made)
        return FileResponse(local_copy(path), media_type="text/html")

    return router


def _cards(shelf: Shelf, serving: Serving) -> APIRouter:
    router = APIRouter(tags=["cards"], prefix="/api/runs/{run_id}/cards")

    @router.get("", summary="Cards, those with most fraud first", responses=_of_run(403))
    def list_cards(run_id: RunId, asked: Annotated[CardsAsked, Query()]) -> Cards:
        _require_truth(serving.is_truth_allowed or not asked.truth)
        with shelf.asking(run_id) as asking:
            return cards.cards(asking, asked.sight, asked.fraud, asked.part)

    @router.get("/{card_id}", summary="What a card did", responses=_of_run(403))
    def show_card(
        run_id: RunId, card_id: CardId, asked: Annotated[TimelineAsked, Query()]
    ) -> Timeline:
        _require_truth(serving.is_truth_allowed or not asked.truth)
        with shelf.asking(run_id) as asking:
            return cards.timeline(asking, card_id, asked.sight, asked.part)

    @router.get(
        "/{card_id}/graph",
        summary="What a card met, and which other cards met its devices and addresses",
        responses=_of_run(),
    )
    def card_graph(run_id: RunId, card_id: CardId, asked: Annotated[SharedAsked, Query()]) -> Graph:
        with shelf.asking(run_id) as asking:
            return rings.shared(asking, card_id, asked.sight, asked.limit)

    return router


def _campaigns(shelf: Shelf, serving: Serving) -> APIRouter:
    router = APIRouter(tags=["campaigns"], prefix="/api/runs/{run_id}/campaigns")
    allowed = serving.is_truth_allowed

    @router.get("", summary="Campaigns, those with most transactions first",
                responses=_of_run(403))  # fmt: skip
    def list_campaigns(run_id: RunId, asked: Annotated[CampaignsAsked, Query()]) -> Campaigns:
        _require_truth(allowed)
        with shelf.asking(run_id) as asking:
            return campaigns.campaigns(asking, asked.typology, asked.part)

    @router.get("/{campaign_id}", summary="The story of a campaign", responses=_of_run(403))
    def show_campaign(run_id: RunId, campaign_id: CampaignId) -> Story:
        _require_truth(allowed)
        with shelf.asking(run_id) as asking:
            return campaigns.story(asking, campaign_id)

    @router.get("/{campaign_id}/graph", summary="What a campaign met in", responses=_of_run(403))
    def campaign_graph(
        run_id: RunId, campaign_id: CampaignId, asked: Annotated[GraphAsked, Query()]
    ) -> Graph:
        _require_truth(allowed)
        with shelf.asking(run_id) as asking:
            return campaigns.graph(asking, campaign_id, asked.limit)

    return router


def _require_truth(is_allowed: bool) -> None:
    if not is_allowed:
        raise Refused(
            403, "this server shows no truth", "truth=false; it was started with --no-truth"
        )


def _of_run(*more: int) -> dict[int | str, dict[str, Any]]:
    return _refusals(404, 409, 422, 503, *more)


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": _REFUSALS[code], "content": content} for code in (421, *codes)}


def _openapi(app: FastAPI) -> dict[str, Any]:
    spec = app.openapi()
    spec["components"]["schemas"]["Problem"] = Problem.model_json_schema()
    return spec
