"""Serving: requests are collected whole on one loop, and only then given to worker threads."""

from smartcity_saas.asgi.application import THREADS, BufferedApplication, create_asgi

__all__ = ["THREADS", "BufferedApplication", "create_asgi"]
