"""What a service is, which are installed, and the gate in front of each."""
