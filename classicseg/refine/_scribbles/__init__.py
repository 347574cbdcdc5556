"""The refiner that learns from a few clicks: softmax regression on what describes a region."""
