"""CUDA kernels: CUDA C++ text compiled at first use by NVRTC, launched through CuPy."""
