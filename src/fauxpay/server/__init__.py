"""Server: runs to look at over HTTP, read only, for this machine unless told otherwise."""
