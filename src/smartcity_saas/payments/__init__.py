"""Money: checkout, ledger, refunds, webhooks, reconciliation; ``providers`` has one file each."""
