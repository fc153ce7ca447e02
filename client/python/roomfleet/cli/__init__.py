"""The command line: `up`, `node`, `check`, `export`, and `apply`, `get`, `describe`, `delete` as kubectl's.

A composition root: it may import anything, and nobody imports it.
"""
