// The weights of an affinity of pixels. One thread per pixel; neighbours in a row read and write side by side. Every
// operation is that of the CPU's twin, in the same order: both have the same bits.
//
// Compile-time constant, set by affinity.py:
//   CHANNELS  how many planes of features there are

constexpr int THREADS = 256;

#include "stencil.cuh"

constexpr int C = CHANNELS;
constexpr bool FEW = C <= 6;         // a pixel's own values stay in registers
constexpr int ALONE = C % 3;         // planes that are added one by one; the others follow three at a time

// As in affinity.py of the CPU, which says where they come from.
constexpr float FARTHEST = 80.0f, LOG2E = 1.4426950408889634f, FAINTEST = 27.631021115928547f;
constexpr float P0 = 1.0f, P1 = 0.69314718803f, P2 = 0.24022107485f, P3 = 0.05550357114f, P4 = 0.00967603192f,
                P5 = 0.00133908634f;

// exp(-exponent), 0 below the faintest weight.
__device__ __forceinline__ float weight_of(float exponent) {
    float scaled = -LOG2E * fminf(exponent, FARTHEST);
    int whole = int(scaled - 0.5f);  // towards 0, which for what is not positive is to the nearest
    float f = scaled - float(whole);
    float value = P0 + f * (P1 + f * (P2 + f * (P3 + f * (P4 + f * P5))));
    return (exponent <= FAINTEST ? value : 0.0f) * __int_as_float((whole + 127) << 23);
}

struct Planes {
    const float* values;
    long long n_pixels, at;
    float own[FEW && C ? C : 1];

    __device__ __forceinline__ void keep() {
        if constexpr (FEW) {
#pragma unroll
            for (int c = 0; c < C; c++) own[c] = values[c * n_pixels + at];
        }
    }
    __device__ __forceinline__ float apart(int c, long long other) const {
        return (FEW ? own[FEW ? c : 0] : values[c * n_pixels + at]) - values[c * n_pixels + other];
    }
    // `sum` and the squared differences from the pixel `other`.
    __device__ __forceinline__ float squares(float sum, long long other) const {
#pragma unroll
        for (int c = 0; c < ALONE; c++) {
            float d = apart(c, other);
            sum = sum + d * d;
        }
#pragma unroll
        for (int c = ALONE; c < C; c += 3) {
            float r = apart(c, other), g = apart(c + 1, other), b = apart(c + 2, other);
            sum = sum + ((r * r + g * g) + b * b);
        }
        return sum;
    }
};

// The highest barrier on the line from pixel `at`, whose pixels lie at `steps` from it.
__device__ __forceinline__ float highest(const float* barrier, long long at, const int* steps, int first, int last,
                                         int n_cols) {
    float most = 0.0f;
    for (int s = first; s < last; s++) {
        most = fmaxf(most, barrier[at + static_cast<long long>(steps[2 * s]) * n_cols + steps[2 * s + 1]]);
    }
    return most;
}

// Weights and their margins, every place once. `barrier` and `outside` are read where the flags say that there are any.
extern "C" __global__ void __launch_bounds__(THREADS)
    weigh(const int* sizes, const int* offsets, const float* planes, const float* place, const float* spatial,
          const float* barrier, const int* steps, const int* line, int barred, const float* outside, int masked,
          int squared, float* out) {
    Stencil stencil(sizes);
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (i >= static_cast<long long>(stencil.top + stencil.n_rows) * stencil.columns) return;
    int row = int(i / stencil.columns) - stencil.top, col = int(i % stencil.columns) - stencil.left;
    bool own = row >= 0 && col >= 0 && col < stencil.n_cols;
    Planes values{planes, stencil.n_pixels(), static_cast<long long>(row) * stencil.n_cols + col};
    if (own) values.keep();
    float* to = out + stencil.link(row, col);
#pragma unroll 1
    for (int o = 0; o < stencil.n_offsets; o++, to += stencil.columns) {
        int down = offsets[2 * o], right = offsets[2 * o + 1];
        bool linked = own && row + down < stencil.n_rows && col + right >= 0 && col + right < stencil.n_cols;
        if (!linked) {
            *to = 0.0f;
            continue;
        }
        long long other = values.at + static_cast<long long>(down) * stencil.n_cols + right;
        float exponent = values.squares(place[o], other);
        if (!squared) exponent = sqrtf(exponent);
        if (barred) exponent = exponent + highest(barrier, values.at, steps, line[o], line[o + 1], stencil.n_cols);
        if (masked) exponent = exponent + fmaxf(outside[values.at], outside[other]);
        *to = weight_of(exponent + spatial[o]);
    }
}
