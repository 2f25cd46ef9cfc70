"""What a test controls: /emulator/..., faults and outages."""
