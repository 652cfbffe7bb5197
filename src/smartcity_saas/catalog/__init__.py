"""Services: their contract, which are installed, and whether a city offers each."""
