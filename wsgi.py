"""The application object that a WSGI server loads: ``granian --interface wsgi wsgi:app``."""

from smartcity_saas.app import create_app

app = create_app()
