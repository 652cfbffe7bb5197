"""Services, one folder each: everything of it, and nothing else of the product names it."""
