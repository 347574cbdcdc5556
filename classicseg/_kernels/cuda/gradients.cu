// How steep planes of floats are at every pixel, seen through a Gaussian. One thread per pixel, of a row of them first:
// neighbours read side by side. Every operation is that of the CPU's twin, in the same order, so that both give the same
// bits.

constexpr int THREADS = 256;

// Scharr's derivative: 3, 10, 3 across it and -1, 0, 1 along it.
constexpr float SIDE = 3.0f / 32, MIDDLE = 10.0f / 32;

// A plane is at `plane`, of the grid's y; a pixel at `at`. Beyond the border of the image the last pixel goes on.
struct Pixel {
    long long plane, at;
    int row, col;
    bool inside;
};

__device__ __forceinline__ Pixel pixel_of(int n_rows, int n_cols) {
    long long at = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    long long n_pixels = static_cast<long long>(n_rows) * n_cols;
    return {blockIdx.y * n_pixels, at, int(at / n_cols), int(at % n_cols), at < n_pixels};
}

__device__ __forceinline__ float value_at(const float* planes, const bool* mask, int masked, long long plane,
                                          long long at) {
    return masked && !mask[at] ? 0.0f : planes[plane + at];
}

// Sums along columns of planes (C, M, N), of pixels inside the mask, from the outside in.
extern "C" __global__ void __launch_bounds__(THREADS)
    smooth_down(const float* planes, const bool* mask, int masked, int n_rows, int n_cols, const float* taps,
                int reach, float* out) {
    Pixel p = pixel_of(n_rows, n_cols);
    if (!p.inside) return;
    float sum = value_at(planes, mask, masked, p.plane, p.at) * taps[0];
#pragma unroll 1
    for (int j = reach; j > 0; j--) {
        long long over = static_cast<long long>(max(p.row - j, 0)) * n_cols + p.col;
        long long under = static_cast<long long>(min(p.row + j, n_rows - 1)) * n_cols + p.col;
        sum += (value_at(planes, mask, masked, p.plane, over) + value_at(planes, mask, masked, p.plane, under)) *
               taps[j];
    }
    out[p.plane + p.at] = sum;
}

// Sums along rows; under a mask they are divided by `share` (M, N), that of the Gaussian which lies inside.
extern "C" __global__ void __launch_bounds__(THREADS)
    smooth_along(const float* planes, const float* share, int masked, int n_rows, int n_cols, const float* taps,
                 int reach, float* out) {
    Pixel p = pixel_of(n_rows, n_cols);
    if (!p.inside) return;
    const float* line = planes + p.plane + p.at - p.col;
    float sum = line[p.col] * taps[0];
#pragma unroll 1
    for (int j = reach; j > 0; j--) sum += (line[max(p.col - j, 0)] + line[min(p.col + j, n_cols - 1)]) * taps[j];
    if (masked && share[p.at] > 0.0f) sum /= share[p.at];
    out[p.plane + p.at] = sum;
}

// `factor` times the root of the largest eigenvalue of the gradients' tensor, summed over smoothed planes (C, M, N).
extern "C" __global__ void __launch_bounds__(THREADS)
    steepest(const float* planes, const bool* mask, int masked, int n_planes, int n_rows, int n_cols, float factor,
             float* out) {
    Pixel p = pixel_of(n_rows, n_cols);
    if (!p.inside) return;
    if (masked && !mask[p.at]) {
        out[p.at] = 0.0f;
        return;
    }
    long long n_pixels = static_cast<long long>(n_rows) * n_cols, line = p.at - p.col;
    long long over = p.row > 0 ? line - n_cols : line, under = p.row < n_rows - 1 ? line + n_cols : line;
    int left = max(p.col - 1, 0), right = min(p.col + 1, n_cols - 1);
    float xx = 0.0f, xy = 0.0f, yy = 0.0f;
#pragma unroll 1
    for (int c = 0; c < n_planes; c++) {
        const float* plane = planes + c * n_pixels;
        float before = SIDE * (plane[over + left] + plane[under + left]) + MIDDLE * plane[line + left];
        float after = SIDE * (plane[over + right] + plane[under + right]) + MIDDLE * plane[line + right];
        float beside = (plane[under + left] - plane[over + left]) + (plane[under + right] - plane[over + right]);
        float x = after - before, y = SIDE * beside + MIDDLE * (plane[under + p.col] - plane[over + p.col]);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    float apart = xx - yy, shear = 2.0f * xy;
    float largest = 0.5f * (xx + yy + sqrtf(apart * apart + shear * shear));
    out[p.at] = factor * sqrtf(largest);
}
