"""Assisted service: staff who act for a resident, and the log of whose data staff have seen."""
