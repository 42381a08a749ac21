"""Many schedules of a spec side by side: all that there are, what each takes, and the best put into the spec."""
