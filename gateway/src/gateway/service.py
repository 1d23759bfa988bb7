"""The gateway's own service: what partners' programs are told, what they tell, and who of them called."""

from __future__ import annotations

from pathlib import Path

from chassis.app import Service
from gateway.calls import jobs as call_jobs
from gateway.calls import routes as calls
from gateway.catalogue import routes as catalogue
from gateway.deliveries import routes as deliveries
from gateway.deliveries.backlog import jobs as backlog
from gateway.deliveries.dispatch import jobs as dispatch
from gateway.deliveries.fanout import consumers as fanout
from gateway.deliveries.fanout import jobs as fanout_jobs
from gateway.deliveries.replays import jobs as replay_jobs
from gateway.deliveries.replays import routes as replays
from gateway.deliveries.resuming import jobs as resuming_jobs
from gateway.deliveries.retention import jobs as retention_jobs
from gateway.endpoints import consumers as endpoint_consumers
from gateway.endpoints import routes as endpoints
from gateway.endpoints.partners import jobs as partner_jobs
from gateway.endpoints.secrets import jobs as endpoint_secret_jobs
from gateway.endpoints.secrets import routes as endpoint_secrets
from gateway.inbound.application import jobs as inbound_jobs
from gateway.inbound.application import worker as inbound_worker
from gateway.inbound.mapping import routes as inbound_mapping
from gateway.inbound.orders import consumers as order_consumers
from gateway.inbound.orders import routes as inbound_orders
from gateway.inbound.receipts import routes as inbound_receipts
from gateway.inbound.reception import routes as inbound_reception
from gateway.inbound.sources import routes as inbound_sources
from gateway.partner_settings import PartnerSettings

# No route of the gateway's own belongs to a community: nobody has a standing here.
NO_STANDING = "SELECT NULL::json WHERE $2::uuid IS NULL AND $3::uuid IS NULL"

service = Service(
    name="gateway",
    title="Hearth gateway",
    settings=PartnerSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    standing_query=NO_STANDING,
    publishes="partners",
    routers=[
        catalogue.routes,
        endpoints.routes,
        endpoint_secrets.routes,
        deliveries.routes,
        replays.routes,
        inbound_sources.routes,
        inbound_mapping.routes,
        inbound_receipts.routes,
        inbound_reception.routes,
        inbound_orders.routes,
        calls.routes,
    ],
    consumers=[endpoint_consumers.consumers, fanout.consumers, order_consumers.consumers],
    jobs=[
        endpoint_secret_jobs.jobs,
        partner_jobs.jobs,
        fanout_jobs.jobs,
        replay_jobs.jobs,
        resuming_jobs.jobs,
        retention_jobs.jobs,
        inbound_jobs.jobs,
        call_jobs.jobs,
    ],
    workers=lambda runtime: [dispatch.worker(runtime), backlog.worker(runtime), *inbound_worker.workers(runtime)],
    tags={
        "event-types": "What partners may be told.",
        "endpoints": "Where partners are told what happens, and with which keys.",
        "deliveries": "What was told to which endpoint, what it answered, and how to tell it again.",
        "inbound": "Where partners' webhooks are taken, how they are read, and what became of them.",
        "orders": "Orders and refunds, as partners tell them.",
        "calls": "What partners' programs asked of the API.",
    },
)
