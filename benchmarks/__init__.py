"""What the registry costs on this machine: `make bench`, or `python -m benchmarks --help`.

The server runs on one core and the load on another. Every measurement of the registry alternates with one of a
plain framework endpoint that answers a constant (`baseline`), so that figures of different machines compare.
"""
