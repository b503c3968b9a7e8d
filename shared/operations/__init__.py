"""Work that takes longer than a request should: begun by a call, done in a process of its own, asked about by name.

operation.py    what an operation is, as plain values, and who may see it
work.py         the functions that do the work, by name
child.py        the process that runs one function; process.py, the parent's side of it
store.py        the rows; schedule.py, which of them is whose turn
operations.py   what a service uses: `await operations.begin("forecast", work, arguments, caller)`
servicer.py     the same over gRPC, for every service

Importing any but store.py and schedule.py loads no database: a service that never did long work holds none.
"""
