"""JSON Schemas of the two documents: made from annotations, committed, applied to every spec."""
