"""What is measured, and the baseline it is measured against: `python -m bench`. bench/README.md says how to read it."""
