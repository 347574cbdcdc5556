// k-means on a GPU. An iteration is `assign` then `update`; `label` gives the result of the centers as they stand.
//
// Compile-time constants, set by kmeans.py, beside those of samples.cuh:
//   LABEL      narrowest of uint8, uint16 and int that holds every label and NONE
//   IN_SHARED  1 where scores and sums of all clusters fit into a block's shared memory, else they stay in global
//
// blockIdx.y is the frame of a batch; each frame has its own planes, centers and stop. All sums are integers, so no
// order of threads, number of blocks or device changes a bit of the centers.

#include "samples.cuh"

constexpr int RESIDENT = FEW ? 2 : 1;                       // blocks a multiprocessor must hold: 128 or 255 registers
constexpr int UNROLL = FEW ? 4 : 1;                         // of the loop over centers
constexpr int ROW = (F + 1 + 3) / 4 * 4;                    // floats of one center's scores, read four at a time
constexpr int NONE = LABEL(-1);                             // label of a sample that no iteration has seen
constexpr bool INTEGER_SUMS = INTEGER_PIXELS && !WEIGHTED;  // every amount is a whole number below 2^24
constexpr unsigned ALL = 0xffffffffu;

// Half the squared distance to a center, less what is the same for all centers.
__device__ __forceinline__ float score(const float* row, const float* delta) {
    float sum = row[F];
#pragma unroll
    for (int f = 0; f < F; f++) sum = fmaf(row[f], delta[f], sum);
    return sum;
}

// What defines a label: the squared distance in float64, features in order, no contraction.
__device__ __forceinline__ double squared_distance(const Frame& frame, const Block& block, int s, int k) {
    double sum = 0.0;
#pragma unroll FEATURE_UNROLL
    for (int f = 0; f < F; f++) {
        double t = frame.numbers[GAIN + f] * (double(block.at(frame, s, f)) - frame.centers[k * F + f]);
        sum = sum + t * t;
    }
    return sum;
}

constexpr float OVERFLOWING = (F + 4) * 0x1p+103f;  // the limit, below, where 2 Q + p is 2^127

// The nearest center of each sample.
//
// With an origin o that is a float32 number, d = v - o, g the gains and c a center, half the squared distance is
//   p/2 + S(c),   S(c) = sum g^2 (c - o)^2 / 2 - sum g^2 (c - o) d,   p = sum g^2 d^2,
// and S decides. A score is S in float32: F multiply-adds per center instead of 2 F operations. Its error, with
// u = 2^-24 and Q the largest sum g^2 (c - o)^2 of all centers: the coefficients, made in float64, and d carry one
// rounding each (d none where pixels are integers), and F multiply-adds round F partial sums. A partial sum is at
// most q/2 + sum g^2 |c - o| |d| <= Q/2 + sqrt(Q p) <= Q + p/2. So a score is off by less than (F + 3.1) u (Q + p/2),
// and the difference of two by less than (F + 3.1) u (2 Q + p). The definition in float64 rounds too: its squared
// distances D <= 2 (p + Q) are off by at most (F + 5) 2^-53 D. Both together, and the rounding of the limit itself,
// are below
//   limit = (F + 4) u (2 Q + p) + 2^-96,
// where the last term covers underflow (a factor that lost 2^-150 meets |d| <= 2^24 twice). Where the second best
// score is not farther than that, the centers within the limit are compared by the definition.
//
// All this while no score overflows, that is while a partial sum, at most Q + p/2, stays within float32. Beyond
// 2 Q + p = 2^127 scores may be infinite or NaN and say nothing: the limit becomes infinite, and since nothing exceeds
// that, all centers are compared by the definition.
__device__ __forceinline__ void nearest(const Frame& frame, const Block& block, int (&label)[SAMPLES]) {
    float best[SAMPLES], second[SAMPLES], limit[SAMPLES];
#pragma unroll
    for (int s = 0; s < SAMPLES; s++) {
        best[s] = second[s] = 3.4e38f;
        label[s] = 0;
        limit[s] = frame.limit();
#pragma unroll
        for (int f = 0; f < F; f++) {
            limit[s] = fmaf(frame.slope(f) * block.delta[s][f], block.delta[s][f], limit[s]);
        }
        if (limit[s] >= OVERFLOWING) limit[s] = 1.0f / 0.0f;  // nothing exceeds NaN either
    }
    const float4* scores = reinterpret_cast<const float4*>(frame.scores);
#pragma unroll UNROLL
    for (int k = 0; k < frame.n_clusters; k++) {
        float row[ROW];
#pragma unroll
        for (int part = 0; part < ROW / 4; part++) {
            float4 four = scores[k * (ROW / 4) + part];
            row[4 * part] = four.x, row[4 * part + 1] = four.y, row[4 * part + 2] = four.z, row[4 * part + 3] = four.w;
        }
#pragma unroll
        for (int s = 0; s < SAMPLES; s++) {
            float sum = score(row, block.delta[s]);
            label[s] = sum < best[s] ? k : label[s];
            second[s] = fminf(second[s], fmaxf(best[s], sum));
            best[s] = fminf(best[s], sum);
        }
    }
#pragma unroll
    for (int s = 0; s < SAMPLES; s++) {
        if (!block.live[s] || second[s] - best[s] > limit[s]) continue;
        double least = 1.0 / 0.0;
        label[s] = 0;
        for (int k = 0; k < frame.n_clusters; k++) {
            if (score(frame.scores + k * ROW, block.delta[s]) - best[s] > limit[s]) continue;
            double distance = squared_distance(frame, block, s, k);
            if (distance < least) {  // strict: a tie stays with the lower index
                least = distance;
                label[s] = k;
            }
        }
    }
}

// What sample s adds to column f of the sums of its cluster; the last column counts.
__device__ __forceinline__ long long amount(const Frame& frame, const Block& block, int s, int f, double weight) {
    if constexpr (INTEGER_SUMS) return f < F ? int(block.at(frame, s, f)) : 1;
    double v = f < F ? double(block.at(frame, s, f)) : 1.0;
    return llrint(weight * v * frame.numbers[SUM_SCALE + f]);
}

// Sum over a warp. A 64-bit number goes in pieces of 22, 22 and 20 bits, whose sums of 32 cannot overflow.
__device__ __forceinline__ long long warp_sum(long long value) {
    if constexpr (INTEGER_SUMS) return __reduce_add_sync(ALL, int(value));  // below 32 * 2^24
    long long low = __reduce_add_sync(ALL, unsigned(value & 0x3fffff));
    long long middle = __reduce_add_sync(ALL, unsigned(value >> 22 & 0x3fffff));
    long long high = __reduce_add_sync(ALL, int(value >> 44));
    return (high << 44) + (middle << 22) + low;
}

// Add sample s to, or with sign -1 take it from, the sums of `cluster`, where `active`. The whole warp takes part: the
// samples of one cluster are summed first, and one atomic per column carries them, different columns on different
// lanes. Neighbours mostly share a cluster, so the loop is short.
__device__ __forceinline__ void accumulate(const Frame& frame, const Block& block, int s, bool active, int cluster,
                                           int sign, uint64* sums) {
    int lane = threadIdx.x & 31;
    unsigned todo = __ballot_sync(ALL, active);
    if (todo == 0) return;
    double weight = WEIGHTED && active ? weight_of(frame, block.index[s]) : 1.0;
    while (todo) {
        int common = __shfl_sync(ALL, cluster, __ffs(todo) - 1);
        bool mine = active && cluster == common;
        todo &= ~__ballot_sync(ALL, mine);
        uint64* row = sums + static_cast<long long>(common) * (F + 1);
        long long own = 0;
#pragma unroll FEATURE_UNROLL
        for (int f = 0; f <= F; f++) {
            long long total = warp_sum(mine ? amount(frame, block, s, f, weight) : 0);
            if (lane == f % 32) own = total;
            if (f % 32 == 31 || f == F) {
                if (lane <= f % 32) atomicAdd(row + f / 32 * 32 + lane, uint64(sign * own));
            }
        }
    }
}

// One pass over the samples. The sums stay from one iteration to the next, and only samples whose label changed are
// taken from their old cluster and added to the new one; integer sums make that exact.
extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT)
    assign(TABLE long long* __restrict__ addresses, TABLE double* __restrict__ numbers, int n_columns, int n_samples,
           int per_block, int n_clusters, const double* __restrict__ centers, const float* __restrict__ scores,
           TABLE float* __restrict__ heads, const double* __restrict__ progress, double tol,
           LABEL* __restrict__ labels, uint64* sums) {
    int b = blockIdx.y;
    if (progress[2 * b + 1] <= tol) return;  // converged: all threads of the block return
    extern __shared__ float4 shared[];
    int n_scores = n_clusters * ROW, n_sums = n_clusters * (F + 1);
    const float* frame_scores = scores + static_cast<long long>(b) * n_scores;
    uint64* frame_sums = sums + static_cast<long long>(b) * n_sums;
    float* own_scores = reinterpret_cast<float*>(shared);
    uint64* own_sums = IN_SHARED ? reinterpret_cast<uint64*>(own_scores + n_scores) : frame_sums;
    if (IN_SHARED) {
        for (int i = threadIdx.x; i < n_scores; i += THREADS) own_scores[i] = frame_scores[i];
        for (int i = threadIdx.x; i < n_sums; i += THREADS) own_sums[i] = 0;
        __syncthreads();
    }
    Frame frame{addresses + b * ADDRESSES, numbers + b * NUMBERS, heads + b * HEAD,
                centers + static_cast<long long>(b) * n_clusters * F, IN_SHARED ? own_scores : frame_scores,
                n_columns, n_clusters};
    frame.keep();
    LABEL* frame_labels = labels + static_cast<long long>(b) * n_samples;

    for (Cursor cursor(frame, per_block, n_samples); !cursor.block_is_done();) {
        Block block;
        int label[SAMPLES];
        read(frame, cursor, block);
        nearest(frame, block, label);
#pragma unroll
        for (int s = 0; s < SAMPLES; s++) {
            int old = block.live[s] ? int(frame_labels[block.index[s]]) : NONE;
            bool changed = block.live[s] && old != label[s];
            if (changed) frame_labels[block.index[s]] = LABEL(label[s]);
            accumulate(frame, block, s, changed, label[s], 1, own_sums);
            accumulate(frame, block, s, changed && old != NONE, old, -1, own_sums);
        }
    }
    if (IN_SHARED) {
        __syncthreads();
        for (int i = threadIdx.x; i < n_sums; i += THREADS) {
            if (own_sums[i] != 0) atomicAdd(frame_sums + i, own_sums[i]);
        }
    }
}

// Scores, origin and limit of a frame's centers, for `nearest`; by one whole block.
__device__ void prepare(const double* numbers, const double* centers, int n_clusters, float* scores, float* head) {
    __shared__ uint64 largest;  // bits of Q: numbers that are not negative compare as their bits do
    int lane = threadIdx.x & 31;
    if (threadIdx.x == 0) largest = 0;
    for (int f = threadIdx.x / 32; f < F; f += THREADS / 32) {
        double sum = 0.0;
        for (int k = lane; k < n_clusters; k += 32) sum += centers[k * F + f];
        for (int step = 16; step; step /= 2) sum += __shfl_xor_sync(ALL, sum, step);
        double mean = sum / n_clusters;
        // A whole number within the range makes v - origin exact for integers; given centers may lie anywhere.
        bool whole = f >= PLANES || kind(f) < 2;
        double low = whole ? 0.0 : -1.0, high = f >= PLANES ? 16777216.0 : whole ? 65535.0 : 1.0;
        mean = mean > low ? mean < high ? mean : high : low;
        if (lane == 0) head[ORIGIN + f] = float(whole ? rint(mean) : mean);
    }
    __syncthreads();
    for (int k = threadIdx.x; k < n_clusters; k += THREADS) {
        double norm = 0.0;
        for (int f = 0; f < F; f++) {
            double gain = numbers[GAIN + f], c = centers[k * F + f] - double(head[ORIGIN + f]);
            scores[k * ROW + f] = float(-(gain * gain * c));
            norm += gain * gain * c * c;
        }
        scores[k * ROW + F] = float(0.5 * norm);
        for (int pad = F + 1; pad < ROW; pad++) scores[k * ROW + pad] = 0.0f;
        atomicMax(&largest, uint64(__double_as_longlong(norm)));
    }
    __syncthreads();
    double factor = (F + 4) * 0x1p-24;
    for (int f = threadIdx.x; f < F; f += THREADS) {
        head[SLOPE + f] = float(factor * numbers[GAIN + f] * numbers[GAIN + f]);
    }
    if (threadIdx.x == 0) head[0] = float(factor * 2.0 * __longlong_as_double(largest) + 0x1p-96);
}

// Before the first iteration: one block per frame.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    begin(const double* __restrict__ numbers, int n_clusters, const double* centers, float* scores, float* heads) {
    int b = blockIdx.x;
    prepare(numbers + b * NUMBERS, centers + static_cast<long long>(b) * n_clusters * F, n_clusters,
            scores + static_cast<long long>(b) * n_clusters * ROW, heads + b * HEAD);
}

// New centers, how far the farthest moved, and the scores for the next pass: one block per frame. The divisions and
// the distance are in float64 in the written order, as on the CPU.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    update(const double* __restrict__ numbers, const uint64* __restrict__ sums, double* progress, double tol,
           int n_clusters, double* centers, float* scores, float* heads) {
    __shared__ uint64 farthest;  // bits of the largest squared move
    int b = blockIdx.x;
    bool converged = progress[2 * b + 1] <= tol;
    if (threadIdx.x == 0) farthest = 0;
    __syncthreads();
    if (converged) return;
    numbers += b * NUMBERS;
    centers += static_cast<long long>(b) * n_clusters * F;
    sums += static_cast<long long>(b) * n_clusters * (F + 1);
    for (int k = threadIdx.x; k < n_clusters; k += THREADS) {
        const uint64* row = sums + k * (F + 1);
        long long mass = static_cast<long long>(row[F]);
        if (mass == 0) continue;  // an empty cluster keeps its center
        double count = double(mass) / numbers[SUM_SCALE + F], moved = 0.0;
        for (int f = 0; f < F; f++) {
            double mean = double(static_cast<long long>(row[f])) / numbers[SUM_SCALE + f] / count;
            double t = numbers[GAIN + f] * (mean - centers[k * F + f]);
            moved = moved + t * t;
            centers[k * F + f] = mean;
        }
        atomicMax(&farthest, uint64(__double_as_longlong(moved)));
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        progress[2 * b] += 1.0;
        progress[2 * b + 1] = sqrt(__longlong_as_double(farthest)) * numbers[UNIT];
    }
    prepare(numbers, centers, n_clusters, scores + static_cast<long long>(b) * n_clusters * ROW, heads + b * HEAD);
}

// Labels of the centers as they stand, and the inertia of each block's samples; blocks are cut by `per_block` alone,
// and added up in a written order, so that inertia has the same bits on every device.
extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT)
    label(TABLE long long* __restrict__ addresses, TABLE double* __restrict__ numbers, int n_columns, int n_samples,
          int per_block, int n_clusters, const double* __restrict__ centers, const float* __restrict__ scores,
          TABLE float* __restrict__ heads, int* __restrict__ labels, double* __restrict__ inertia) {
    __shared__ double tree[THREADS];
    int b = blockIdx.y;
    Frame frame{addresses + b * ADDRESSES, numbers + b * NUMBERS, heads + b * HEAD,
                centers + static_cast<long long>(b) * n_clusters * F,
                scores + static_cast<long long>(b) * n_clusters * ROW, n_columns, n_clusters};
    frame.keep();
    int* frame_labels = labels + static_cast<long long>(b) * n_samples;
    double sum = 0.0;
    for (Cursor cursor(frame, per_block, n_samples); !cursor.block_is_done();) {
        Block block;
        int own[SAMPLES];
        read(frame, cursor, block);
        nearest(frame, block, own);
#pragma unroll
        for (int s = 0; s < SAMPLES; s++) {
            if (block.index[s] >= cursor.end) continue;
            frame_labels[block.index[s]] = block.live[s] ? own[s] : -1;
            if (!block.live[s]) continue;
            sum = sum + weight_of(frame, block.index[s]) * squared_distance(frame, block, s, own[s]);
        }
    }
    tree[threadIdx.x] = sum;
    for (int half = THREADS / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) tree[threadIdx.x] = tree[threadIdx.x] + tree[threadIdx.x + half];
    }
    if (threadIdx.x == 0) inertia[static_cast<long long>(b) * gridDim.x + blockIdx.x] = tree[0];
}
