"""The small thermal network of `classicseg.refine.pv_unet`: its synthetic frames, training and evaluation.

    python -m benchmarks.pv_unet.train       # writes classicseg/refine/_pv_unet/pv_unet.onnx; needs torch and onnx
    python -m benchmarks.pv_unet.evaluate    # scores on frames made for it, and on real ones with --data DIR

Everything the network learns from is made by `generation`, from a seed. Real frames are only ever scored.
"""
