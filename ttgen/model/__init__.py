"""What was decided: plain frozen data."""
