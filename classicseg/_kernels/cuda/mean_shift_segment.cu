// Connected regions of modes that lie near those of their neighbours, by union-find on pixels.
// Every frame has a forest of its own.

#include "forest.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
    single(const bool* mask, int masked, long long n_pixels, long long per_frame, int* parents) {
    long long i = own_index();
    if (i < n_pixels) parents[i] = masked && !mask[i] ? -1 : int(i % per_frame);
}

// Modes within the bandwidths of each other, in float64 in this order, as on the CPU. `widths` has one bandwidth per
// channel, then the square of the spatial one.
__device__ bool near(const float* values, const float* positions, const double* widths, int n_channels, long long one,
                     long long other) {
    double alike = 0.0;
    for (int c = 0; c < n_channels; c++) {
        double d = (double(values[one * n_channels + c]) - double(values[other * n_channels + c])) / widths[c];
        alike = alike + d * d;
    }
    double dy = double(positions[2 * one]) - double(positions[2 * other]);
    double dx = double(positions[2 * one + 1]) - double(positions[2 * other + 1]);
    return alike <= 1.0 && dy * dy + dx * dx <= widths[n_channels];
}

extern "C" __global__ void __launch_bounds__(THREADS)
    join_near(const float* values, const float* positions, const double* widths, int n_channels, long long n_pixels,
              long long per_frame, int n_cols, int* parents) {
    long long i = own_index();
    if (i >= n_pixels) return;
    int at = int(i % per_frame);
    int* frame = parents + (i - at);
    if (frame[at] < 0) return;
    if (at % n_cols > 0 && frame[at - 1] >= 0 && near(values, positions, widths, n_channels, i, i - 1)) {
        join(frame, at, at - 1);
    }
    if (at >= n_cols && frame[at - n_cols] >= 0 && near(values, positions, widths, n_channels, i, i - n_cols)) {
        join(frame, at, at - n_cols);
    }
}

// `roots`: the root of each pixel, -1 outside; `firsts` 1 where a region begins.
extern "C" __global__ void __launch_bounds__(THREADS)
    find_roots(int* parents, long long n_pixels, long long per_frame, int* roots, int* firsts) {
    long long i = own_index();
    if (i >= n_pixels) return;
    int at = int(i % per_frame);
    int* frame = parents + (i - at);
    roots[i] = frame[at] < 0 ? -1 : root(frame, at);
    firsts[i] = roots[i] == at;
}

// `ranks` counts the regions that begin up to a pixel, through all frames.
extern "C" __global__ void __launch_bounds__(THREADS)
    number(const int* roots, const int* ranks, long long n_pixels, long long per_frame, int* labels) {
    long long i = own_index();
    if (i >= n_pixels) return;
    long long start = i - i % per_frame;
    int before = start > 0 ? ranks[start - 1] : 0;
    labels[i] = roots[i] < 0 ? 0 : ranks[start + roots[i]] - before;
}
