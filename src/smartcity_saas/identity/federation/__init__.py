"""Signing in at other sites: login requests, OAuth 2.0 and OpenID Connect clients, channels."""
