"""What surrounds every view: hooks, shared values of templates, errors as pages."""

from smartcity_saas.request.hooks import init_request

__all__ = ["init_request"]
