// What is counted of the links of a graph of pixels. One thread per pixel.

constexpr int THREADS = 256;

#include "stencil.cuh"

constexpr unsigned ALL = 0xffffffffu;
// A weight is a whole multiple of 2^-63, at most 1: sums of such numbers are exact, and the same for any order of
// threads. Their SPLIT low bits are summed for themselves, and 2^28 pixels of any number of links overflow neither sum.
constexpr int SPLIT = 36;
constexpr unsigned long long LOW = (1ull << SPLIT) - 1;

// The sum of each pixel's weights, in the CPU's order.
extern "C" __global__ void __launch_bounds__(THREADS)
    degrees(const int* sizes, const int* offsets, const float* weights, double* out) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    if (!at.inside) return;
    double sum = 0.0;
    for (int o = 0; o < stencil.n_offsets; o++) {
        Both both(stencil, weights, offsets, at, o);
        sum = sum + (double(both.forth) + double(both.back));
    }
    out[at.index] = sum;
}

struct Sum {
    unsigned long long high, low;

    __device__ __forceinline__ void add(float weight, bool counts) {
        unsigned long long whole = counts ? static_cast<unsigned long long>(double(weight) * 9223372036854775808.0) : 0;
        high += whole >> SPLIT, low += whole & LOW;
    }
    __device__ __forceinline__ void carry() { high += low >> SPLIT, low &= LOW; }
    __device__ __forceinline__ void over_warp() {
#pragma unroll
        for (int apart = 16; apart > 0; apart /= 2) {
            high += __shfl_xor_sync(ALL, high, apart), low += __shfl_xor_sync(ALL, low, apart);
        }
    }
    __device__ __forceinline__ void add_to(unsigned long long* sums) const {
        atomicAdd(sums, high);
        atomicAdd(sums + 1, low);
    }
};

// Add to `sums` (n_labels, 4) of each label the weight within and that to other labels, each as high and low part. Every
// pixel looks both ways and adds to its own label only; where a warp has one label it adds once.
extern "C" __global__ void __launch_bounds__(THREADS)
    links_of_labels(const int* sizes, const int* offsets, const float* weights, const int* labels,
                    unsigned long long* sums) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    int own = at.inside ? labels[at.index] : -1;
    Sum within{0, 0}, across{0, 0};
    for (int o = 0; own >= 0 && o < stencil.n_offsets; o++) {
        int down = offsets[2 * o], right = offsets[2 * o + 1];
        Both both(stencil, weights, offsets, at, o);
        long long apart = static_cast<long long>(down) * stencil.n_cols + right;
        int after = both.forth > 0.0f ? labels[at.index + apart] : -1;  // only pixels of the image are linked
        int before = both.back > 0.0f ? labels[at.index - apart] : -1;
        within.add(both.forth, after == own), across.add(both.forth, after >= 0 && after != own);
        within.add(both.back, before == own), across.add(both.back, before >= 0 && before != own);
    }
    within.carry(), across.carry();
    unsigned long long* to = sums + 4 * static_cast<long long>(own);
    int first = __shfl_sync(ALL, own, 0);
    if (__all_sync(ALL, own >= 0 && own == first)) {
        within.over_warp(), across.over_warp();
        if (threadIdx.x % 32 == 0) within.add_to(to), across.add_to(to + 2);
    } else if (own >= 0) {
        within.add_to(to), across.add_to(to + 2);
    }
}

// How many links each pixel has.
extern "C" __global__ void __launch_bounds__(THREADS)
    count_links(const int* sizes, const int* offsets, const float* weights, long long* counts) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    if (!at.inside) return;
    int count = 0;
    for (int o = 0; o < stencil.n_offsets; o++) {
        Both both(stencil, weights, offsets, at, o);
        count += (both.forth > 0.0f) + (both.back > 0.0f);
    }
    counts[at.index] = count;
}

// The links of each pixel, by ascending pixel, from place `starts` on.
extern "C" __global__ void __launch_bounds__(THREADS)
    fill_links(const int* sizes, const int* offsets, const float* weights, const long long* starts, float* data,
               long long* indices) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    if (!at.inside) return;
    long long to = starts[at.index];
    for (int step = 0; step < 2 * stencil.n_offsets; step++) {
        bool before = step < stencil.n_offsets;
        int o = before ? stencil.n_offsets - 1 - step : step - stencil.n_offsets;
        Both both(stencil, weights, offsets, at, o);
        float weight = before ? both.back : both.forth;
        if (!(weight > 0.0f)) continue;
        long long apart = static_cast<long long>(offsets[2 * o]) * stencil.n_cols + offsets[2 * o + 1];
        data[to] = weight;
        indices[to++] = before ? at.index - apart : at.index + apart;
    }
}
