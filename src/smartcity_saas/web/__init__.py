"""What pages share: policies of endpoints, languages, formats, charts, brand, security."""
