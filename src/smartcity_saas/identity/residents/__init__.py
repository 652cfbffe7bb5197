"""Residents, who live inside one city: accounts, sessions, assurance, codes, consents."""
