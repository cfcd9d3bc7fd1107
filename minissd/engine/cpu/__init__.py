"""What makes NumPy fast: threads of our own, memory that is used again, views in place of copies."""
