"""What makes NumPy fast: threads of our own, pools of memory, views in place of copies."""
