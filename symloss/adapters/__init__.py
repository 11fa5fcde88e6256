"""Generated losses in other libraries: one module a library, each an optional extra.

Importing this package imports none of the libraries; a function of an adapter imports its own when it is called, and
says which extra to install where that is missing.
"""
