// A few dozen long vectors: their inner products, combinations and residuals.
//
// Compile-time constants, set by blocks.py:
//   VALUE    type of the vectors, float or double
//   RESULTS  how many combinations are made at once, a multiple of 4

constexpr int THREADS = 256;
constexpr unsigned ALL = 0xffffffffu;
constexpr int FOUR = 4;
constexpr int SIDE = 32, STEP = 32;                // vectors of a tile on either side; values of them at a time
constexpr int GROUP = SIDE * SIDE / (FOUR * FOUR); // threads that have all pairs of a tile: 4 by 4 each
constexpr int GROUPS = THREADS / GROUP;            // which share the values
constexpr int ROUNDS = 8;                          // steps after which sums in the vectors' precision go on in float64
using Value = VALUE;

__device__ __forceinline__ float fused(float a, float b, float c) { return fmaf(a, b, c); }
__device__ __forceinline__ double fused(double a, double b, double c) { return fma(a, b, c); }

// Values `start` to `start` + STEP of vectors `first` to `first` + SIDE, times a weight; 0 beyond the last of either.
__device__ __forceinline__ void load(const VALUE* vectors, const VALUE* weight, int first, int count, long long start,
                                     long long size, Value (&tile)[SIDE][STEP + 1]) {
    int lane = threadIdx.x % STEP;
    long long at = start + lane;
#pragma unroll
    for (int v = threadIdx.x / STEP; v < SIDE; v += THREADS / STEP) {
        bool there = first + v < count && at < size;
        Value value = there ? vectors[(first + v) * size + at] : Value(0);
        tile[v][lane] = weight && there ? value * weight[at] : value;
    }
}

// ``left * weight * right`` of (n_left, size) and (n_right, size). A block takes `span` values along x, a multiple of
// STEP * ROUNDS, and a tile of vectors along y and z; each of its GROUPS writes sums of its own to `out`
// (blocks * GROUPS, n_left, n_right).
extern "C" __global__ void __launch_bounds__(THREADS)
    inner_products(const VALUE* left, const VALUE* right, const VALUE* weight, int n_left, int n_right, long long size,
                   long long span, double* out) {
    __shared__ Value a[SIDE][STEP + 1], b[SIDE][STEP + 1];
    int group = threadIdx.x / GROUP, row = threadIdx.x % GROUP / (SIDE / FOUR) * FOUR;
    int col = threadIdx.x % (SIDE / FOUR) * FOUR, top = blockIdx.y * SIDE, side = blockIdx.z * SIDE;
    long long start = blockIdx.x * span, end = min(start + span, size);
    double sums[FOUR][FOUR]{};
    while (start < end) {
        Value parts[FOUR][FOUR]{};
#pragma unroll 1
        for (int round = 0; round < ROUNDS; round++, start += STEP) {
            __syncthreads();
            load(left, weight, top, n_left, start, size, a);
            load(right, nullptr, side, n_right, start, size, b);
            __syncthreads();
#pragma unroll
            for (int p = 0; p < STEP / GROUPS; p++) {
                Value others[FOUR];
#pragma unroll
                for (int j = 0; j < FOUR; j++) others[j] = b[col + j][p * GROUPS + group];
#pragma unroll
                for (int i = 0; i < FOUR; i++) {
                    Value value = a[row + i][p * GROUPS + group];
#pragma unroll
                    for (int j = 0; j < FOUR; j++) parts[i][j] = fused(value, others[j], parts[i][j]);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < FOUR; i++) {
#pragma unroll
            for (int j = 0; j < FOUR; j++) sums[i][j] += double(parts[i][j]);
        }
    }
    out += (static_cast<long long>(blockIdx.x) * GROUPS + group) * n_left * n_right;
#pragma unroll
    for (int i = 0; i < FOUR; i++) {
#pragma unroll
        for (int j = 0; j < FOUR; j++) {
            int one = top + row + i, other = side + col + j;
            if (one < n_left && other < n_right) out[one * n_right + other] = sums[i][j];
        }
    }
}

// RESULTS combinations of vectors, `factors` (n_sources, RESULTS); added to what the targets were where `add`. They are
// written to rows `targets` of `out`, which may hold the vectors: a thread has all results of its values before.
extern "C" __global__ void __launch_bounds__(THREADS)
    combine(const VALUE* vectors, const VALUE* factors, const int* sources, int n_sources, const int* targets, int add,
            long long size, VALUE* out) {
    long long at = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (at >= size) return;
    Value sums[RESULTS];
#pragma unroll
    for (int r = 0; r < RESULTS; r++) sums[r] = add ? vectors[targets[r] * size + at] : Value(0);
#pragma unroll 1
    for (int s = 0; s < n_sources; s++, factors += RESULTS) {
        Value value = vectors[sources[s] * size + at];
#pragma unroll
        for (int r = 0; r < RESULTS; r++) sums[r] = fused(factors[r], value, sums[r]);
    }
#pragma unroll
    for (int r = 0; r < RESULTS; r++) out[targets[r] * size + at] = sums[r];
}

// ``images - values * vectors``, and per block along x and vector along y the sum of its squares times the weight.
extern "C" __global__ void __launch_bounds__(THREADS)
    residuals(const VALUE* vectors, const VALUE* images, const VALUE* values, const VALUE* weight, long long size,
              long long span, VALUE* out, double* sums) {
    __shared__ double parts[THREADS / 32];
    long long skipped = blockIdx.y * size, end = min((blockIdx.x + 1) * span, size);
    double sum = 0.0;
    Value value = values[blockIdx.y];
    for (long long at = blockIdx.x * span + threadIdx.x; at < end; at += THREADS) {
        Value rest = fused(-value, vectors[skipped + at], images[skipped + at]);
        out[skipped + at] = rest;
        sum += double(rest) * double(rest) * double(weight[at]);
    }
#pragma unroll
    for (int apart = 16; apart > 0; apart /= 2) sum += __shfl_down_sync(ALL, sum, apart);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x > 0) return;
    for (int warp = 1; warp < THREADS / 32; warp++) sum += parts[warp];
    sums[static_cast<long long>(blockIdx.x) * gridDim.y + blockIdx.y] = sum;
}
