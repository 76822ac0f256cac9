"""The specification as it is built: pages, pictures, and what they show of the suite."""
