"""What the cost model says of time and place: the schedule of each core's engines, and the traffic of the NoCs."""
