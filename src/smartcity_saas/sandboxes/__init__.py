"""Stand-ins for other parties, for the demo and the tests: Stripe, and the apps that residents sign in by."""
