"""The proof of isolation: many requests of many residents at once, each answer searched for what is
another's. ``make isolation-proof`` writes ``docs/isolation-proof.md``."""
