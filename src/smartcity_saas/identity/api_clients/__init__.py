"""Machine clients of a city: accounts and tokens, idempotent writes, rate limits."""
