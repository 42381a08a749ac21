"""From a plan to text: pure."""
