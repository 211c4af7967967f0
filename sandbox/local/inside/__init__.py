"""The part that runs in the sandbox's own processes.

A bare interpreter imports these modules without the rest of the library (and without site-packages), so they use the
standard library and each other only. The interpreter may be the system's, of another version than the library's.
"""
