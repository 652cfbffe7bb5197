"""``python -m smartcity_saas.cli`` is the ``smartcity`` command."""

from smartcity_saas.cli import main

main(prog_name="smartcity")
