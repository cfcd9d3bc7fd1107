"""What makes NumPy fast: a pool of threads, pools of memory, views in place of copies."""
