"""How the weights of `classicseg.segment_tree` are fitted; ``python -m benchmarks.fit_segment`` runs it."""
