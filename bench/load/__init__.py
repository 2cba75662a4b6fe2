"""Where the load comes from and where relayed mail goes to, each a process of its own.

`source` and `sink` are also programs, so nothing is imported here.
"""
