"""Speed and memory, measured against peers in the same session; run from a checkout, never installed.

``python -m benchmarks`` lists the cases, ``python -m benchmarks NAME`` runs one and stores a dated JSON file
in ``benchmarks/results``, ``--table`` shows the newest results, ``--readme`` writes them into ``RESULTS.md`` and
README.

A case is a module with rows (inputs), contenders (ours and peers, each in a process of its own) and a check
that their outputs agree. Contenders take turns on every repeat, so a ratio compares neighbours in time; it is
claimed only against a peer that ran beside us and gave the same answer.
"""
