"""A small server in Stripe's shapes, for the demo and the tests: the same code runs against it
as against Stripe. It moves no money, listens on loopback alone, and refuses to run elsewhere.

``objects.json`` holds Stripe's published example objects, from which every answer is made.
"""
