"""What one value is: exact, numeric, with its unit, and when two values are equal."""
