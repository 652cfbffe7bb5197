"""The trials of faults: clients book and pay while processes are killed and servers go away.
``make faults-full`` writes ``benchmarks/faults.json``."""
