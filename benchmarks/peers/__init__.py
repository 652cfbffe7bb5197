"""What the product is measured beside, each kept as small as it can be."""
