"""The scorecard: GB/T 33356, its editions as data, a city's figures, and a total that is a range."""
