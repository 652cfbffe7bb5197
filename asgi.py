"""The application object that a server of ASGI loads: ``granian --interface asginl asgi:app``."""

from smartcity_saas.serving import create_asgi

app = create_asgi()
