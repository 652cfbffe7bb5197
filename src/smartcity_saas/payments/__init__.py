"""Money: checkout, ledger, refunds, webhooks, reconciling; ``providers`` has one file each."""
