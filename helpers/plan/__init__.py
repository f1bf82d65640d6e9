"""What the plan says: metrics, targets, benchmarks, the commerce calendar, periods."""
