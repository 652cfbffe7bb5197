"""The application object for a server of WSGI, behind a proxy that sends whole requests.

What ``python -m smartcity_saas`` serves is ``smartcity_saas.asgi:create_asgi``: it collects
requests itself.
"""

from smartcity_saas.app import create_app

app = create_app()
