"""Pages opened inside WeChat; no script."""
