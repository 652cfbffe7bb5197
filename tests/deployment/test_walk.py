"""The whole product on one machine as on many: nginx, two nodes, PostgreSQL, RabbitMQ, Redis, Celery."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from tests.support import postgres
from tests.support.brokers import answers, rabbit_server, redis_server
from tests.support.nodes import DEMO, NGINX, Node, nginx, two_nodes
from tests.support.paths import ROOT
from tests.support.resident_walks import books_and_cancels, pays_two_bills
from tests.support.served import free_port, until
from tests.support.shell import Shell
from tests.support.walk import Server, Walk

pytestmark = [pytest.mark.browser, pytest.mark.processes]

FILL = (
    "from smartcity_saas.__main__ import prepare_demo; from smartcity_saas.app import create_app;"
    "from smartcity_saas.settings import Settings; settings = Settings.from_environment();"
    "prepare_demo(create_app(settings, serving=False), settings)"
)
CELERY = "celery -A smartcity_saas.celery_app worker --pool threads --concurrency 4 --without-gossip --without-mingle"


class Behind(Server):
    """Sites as visitors reach them: by TLS, through the proxy."""

    def url(self, site: str, path: str = "/") -> str:
        return super().url(site, path).replace("http://", "https://")


@dataclass(frozen=True)
class Installation:
    """The demo's cities behind a proxy."""

    nodes: list[Node]
    front: Behind


@contextmanager
def beside(shell: Shell, *words: str) -> Iterator[None]:
    """A process of the installation that is no web node."""
    with (shell.folder / "processes.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=shell.folder, env=shell.env, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """All of it, filled with the demo's cities and residents."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    shell = Shell(tmp_path_factory.mktemp("installation"))
    with ExitStack() as stack:
        superuser = stack.enter_context(postgres.throwaway_cluster())
        if superuser is None:
            pytest.skip("PostgreSQL is not installed")
        database = stack.enter_context(postgres.test_database(superuser))
        stripe, apps = free_port(), free_port()
        shell.env |= {
            "SMARTCITY_DEMO": "1",
            "SMARTCITY_CONFIG_ROOT": str(ROOT),
            "DATABASE_URL": database.application,
            "DATABASE_OWNER_URL": database.owner,
            "SMARTCITY_BROKER": stack.enter_context(rabbit_server()).url,
            "SMARTCITY_REDIS": stack.enter_context(redis_server()).url,
            "STRIPE_SANDBOX_PORT": str(stripe),
            "CHANNEL_SANDBOX_PORT": str(apps),
        }
        state = str(shell.folder / "stripe.json")
        stack.enter_context(beside(shell, "-m", "smartcity_saas.sandboxes.channels"))
        stack.enter_context(beside(shell, "-m", "smartcity_saas.sandboxes.stripe", "--state", state))  # fmt: skip
        until(lambda: answers(stripe) and answers(apps))
        subprocess.run([sys.executable, "-c", FILL], cwd=shell.folder, env=shell.env, check=True)
        stack.enter_context(beside(shell, "-m", "smartcity_saas.cli", "dispatcher"))
        stack.enter_context(beside(shell, "-m", *CELERY.split()))
        nodes = stack.enter_context(two_nodes(shell, DEMO))
        front = stack.enter_context(nginx(shell.folder, [node.port for node in nodes]))
        yield Installation(nodes, Behind(front.port, shell.folder / "node-1.log"))


@pytest.fixture
def walk(browser: Browser, installation: Installation) -> Iterator[Walk]:
    """A walk on a phone that trusts the test's certificate."""
    context = browser.new_context(
        viewport={"width": 375, "height": 812},
        locale="en-US",
        reduced_motion="reduce",
        ignore_https_errors=True,
    )
    context.set_default_timeout(90_000)
    yield Walk(context.new_page(), installation.front, "en")
    context.close()


def test_the_product_is_walked_through_the_proxy(walk: Walk, installation: Installation) -> None:
    """Bills are paid in the sandbox with both nodes there, and what Celery then did is read; staff
    pause a service, and each node says so at once. One node goes: a place is booked and given back,
    and all that was done before is there."""
    pays_two_bills(walk)
    walk.page.context.clear_cookies()
    pause(walk, "shanghai", "traffic-tickets")
    for node in installation.nodes:
        assert "Back on Friday." in page_of(node, "shanghai.localhost", "/services/traffic-tickets")
    installation.nodes[0].lose()
    walk.page.context.clear_cookies()
    books_and_cancels(walk)
    walk.go("shanghai", "/services/traffic-tickets")
    walk.sees("周五恢复", "Back on Friday.")


def pause(walk: Walk, city: str, service: str) -> None:
    """A press on the console, by the city's own staff."""
    walk.as_staff(city)
    walk.go("console", f"/cities/{city}/services/{service}/pause")
    walk.page.fill("#zh", "系统升级，周五恢复。")
    walk.page.fill("#en", "Back on Friday.")
    walk.page.locator("form#pause button").first.click()
    walk.page.wait_for_url("**done=*")
    expect(walk.page.locator(".notice.ok")).to_be_visible()


def page_of(node: Node, host: str, path: str) -> str:
    """What one node serves, asked past the proxy."""
    line = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    line.request("GET", path, headers={"Host": host, "Accept-Language": "en"})
    return line.getresponse().read().decode()
