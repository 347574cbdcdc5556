"""Operators on maps: upsampling and its inverses, regions of interest, receptive fields. Arrays in, arrays out."""
