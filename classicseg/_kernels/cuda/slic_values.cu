// The values of an image in the units that SLIC compares.
//
// Compile-time constant, set by slic.py:
//   PIXEL  type of the image's values

constexpr int THREADS = 256;

// ``(image - origin) * factor`` in float64, then float32, of pixels (n_pixels, n_channels); 0 outside the mask. The
// values of a pixel come to lie `apart`, those of the next pixel `step` after its own.
extern "C" __global__ void __launch_bounds__(THREADS)
    scaled(const PIXEL* image, const bool* mask, int masked, long long n_pixels, int n_channels, double origin,
           double factor, long long step, long long apart, float* out) {
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (i >= n_pixels) return;
    bool outside = masked && !mask[i];
#pragma unroll 1
    for (int c = 0; c < n_channels; c++) {
        double value = (double(image[i * n_channels + c]) - origin) * factor;
        out[i * step + c * apart] = outside ? 0.0f : float(value);
    }
}
