"""Documents: one YAML text each for the platform, a province and a city, and their lifecycle.

A change goes: parse (positions kept), merge, validate, plan, new revision. There is one way
in, whoever edits: ``Documents.save``.
"""
