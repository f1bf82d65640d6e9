"""What the suite's intervals hold, and what its speed and memory come to."""
