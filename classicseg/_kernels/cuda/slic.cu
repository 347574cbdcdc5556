// SLIC: the nearest center of every pixel with the sums that move the centers, and what comes before and after.
//
// Compile-time constant, set by slic.py:
//   CHANNELS  how many values a pixel has
//
// Values are whole numbers in float32, below 2^23 in size; sums of them are whole too: the same bits for any order of
// threads. Distances are compared in float64, in the order of operations that defines them on every device.

constexpr int THREADS = 256;
constexpr unsigned ALL = 0xffffffffu;
constexpr int C = CHANNELS;
constexpr bool FEW = C <= 8;                 // values of a thread's pixels stay in registers
constexpr int UNROLL = FEW ? C : 1;          // of loops over channels
constexpr int SIDE = 32, ROWS = 4;           // of the tile of a block; rows of it that a warp takes, a pixel per lane
constexpr float LIMIT = 4194303.0f;          // 2^22 - 1, of a value

__device__ __forceinline__ long long own_index() {
    return static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
}

// Planes become whole numbers, in place; the first is NaN where a pixel takes no part.
extern "C" __global__ void __launch_bounds__(THREADS)
    whole(const bool* mask, int masked, long long n_pixels, float scale, float* planes) {
    long long i = own_index();
    if (i >= n_pixels) return;
    for (int c = 0; c < C; c++) {
        planes[c * n_pixels + i] = rintf(fminf(fmaxf(planes[c * n_pixels + i] * scale, -LIMIT), LIMIT));
    }
    if (masked && !mask[i]) planes[i] = __int_as_float(0x7fffffff);
}

// One pass of a filter of 2 * `radius` + 1 weights along an axis of a plane, whose values lie `step` apart and are `n`;
// beyond its ends the plane is mirrored. Sums in float64, from the middle and then from outside in, as scipy.ndimage.
extern "C" __global__ void __launch_bounds__(THREADS)
    filtered(const float* plane, const double* weights, int radius, long long n_pixels, int n, int step, float* out) {
    long long i = own_index();
    if (i >= n_pixels) return;
    int at = int(i / step % n);
    const float* line = plane + (i - static_cast<long long>(at) * step);
    double sum = double(line[static_cast<long long>(at) * step]) * weights[radius];
    for (int apart = radius; apart > 0; apart--) {
        int before = (at - apart) % (2 * n), after = (at + apart) % (2 * n);
        before += before < 0 ? 2 * n : 0;
        before = before < n ? before : 2 * n - 1 - before;
        after = after < n ? after : 2 * n - 1 - after;
        double both = double(line[static_cast<long long>(before) * step]) + double(line[static_cast<long long>(after) * step]);
        sum += both * weights[radius - apart];
    }
    out[i] = float(sum);
}

// What a thread knows of its pixels, which lie one below the other.
struct Pixels {
    const float* planes;
    long long n_pixels, first;
    int n_cols;
    bool inside[ROWS];
    float own[FEW ? ROWS * C : 1];

    __device__ __forceinline__ float value(int r, int c) const {
        return FEW ? own[FEW ? r * C + c : 0] : planes[c * n_pixels + first + static_cast<long long>(r) * n_cols];
    }
};

// Add to `sums` (K, 3 + C) how many pixels of the warp each center has, and their rows, columns and values. `of` has the
// center of each of a thread's pixels; -1 is none.
__device__ __forceinline__ void add(const Pixels& pixels, int (&of)[ROWS], int row, int left, unsigned long long* sums) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        for (unsigned some = __ballot_sync(ALL, of[r] >= 0); some; some = __ballot_sync(ALL, of[r] >= 0)) {
            int k = __shfl_sync(ALL, of[r], __ffs(int(some)) - 1), count = 0, down = 0;
            bool mine[ROWS];
#pragma unroll
            for (int s = 0; s < ROWS; s++) {
                mine[s] = of[s] == k;
                count += mine[s], down += mine[s] ? s : 0;
                of[s] = mine[s] ? -1 : of[s];
            }
            // Of 128 pixels: rows and columns counted from the first, and values, are below 2^31.
            int all = __reduce_add_sync(ALL, count);
            int rows = __reduce_add_sync(ALL, down), cols = __reduce_add_sync(ALL, count * lane);
            unsigned long long* own = sums + static_cast<long long>(k) * (3 + C);
            if (lane == 0) {
                atomicAdd(own, static_cast<unsigned long long>(all));
                atomicAdd(own + 1, static_cast<unsigned long long>(rows + static_cast<long long>(all) * row));
                atomicAdd(own + 2, static_cast<unsigned long long>(cols + static_cast<long long>(all) * left));
            }
#pragma unroll UNROLL
            for (int c = 0; c < C; c++) {
                int part = 0;
#pragma unroll
                for (int s = 0; s < ROWS; s++) part += mine[s] ? int(pixels.value(s, c)) : 0;
                long long total = __reduce_add_sync(ALL, part);
                if (lane == (3 + c) % 32) atomicAdd(own + 3 + c, static_cast<unsigned long long>(total));
            }
        }
    }
}

// Find the center of least ``weight * |value - color|^2 + |(position - pixel) * scale|^2`` among those whose windows
// hold the pixel, of equals the one of lowest index. A block has a tile of SIDE x SIDE pixels; of THREADS centers at a
// time it lists those whose windows reach the tile. Adds to `sums` (K, 3 + C), and writes `labels` where asked to, but
// those of pixels that no window holds.
extern "C" __global__ void __launch_bounds__(THREADS, 2)
    assign(const float* planes, int n_rows, int n_cols, const double* position, const double* color,
           const double* weight, const int* window, int n_centers, double scale_y, double scale_x, int* labels,
           int write, unsigned long long* sums) {
    __shared__ int near[THREADS];
    __shared__ int counts[THREADS / 32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int across = (n_cols + SIDE - 1) / SIDE;
    int top = int(blockIdx.x) / across * SIDE, left = int(blockIdx.x) % across * SIDE;
    int row = top + warp * ROWS, col = left + lane;
    long long n_pixels = static_cast<long long>(n_rows) * n_cols;
    Pixels pixels{planes, n_pixels, static_cast<long long>(row) * n_cols + col, n_cols};
    double least[ROWS];
    int nearest[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        long long at = pixels.first + static_cast<long long>(r) * n_cols;
        pixels.inside[r] = row + r < n_rows && col < n_cols && planes[at] == planes[at];  // not NaN
        least[r] = __longlong_as_double(0x7ff0000000000000), nearest[r] = -1;
        if constexpr (FEW) {
#pragma unroll
            for (int c = 0; c < C; c++) pixels.own[r * C + c] = pixels.inside[r] ? planes[c * n_pixels + at] : 0.0f;
        }
    }
    for (int base = 0; base < n_centers; base += THREADS) {
        int k = base + int(threadIdx.x);
        bool reaches = false;
        if (k < n_centers) {
            const int* held = window + 4 * k;
            reaches = held[0] < top + SIDE && held[1] > top && held[2] < left + SIDE && held[3] > left;
        }
        unsigned found = __ballot_sync(ALL, reaches);
        if (lane == 0) counts[warp] = __popc(found);
        __syncthreads();
        int place = __popc(found & ((1u << lane) - 1)), total = 0;
        for (int w = 0; w < THREADS / 32; w++) place += w < warp ? counts[w] : 0, total += counts[w];
        if (reaches) near[place] = k;
        __syncthreads();
        for (int i = 0; i < total; i++) {
            int own = near[i];
            const int* held = window + 4 * own;
            const double* middle = color + static_cast<long long>(own) * C;
            if (col < held[2] || col >= held[3]) continue;
            double y = position[2 * own], dx = (double(col) - position[2 * own + 1]) * scale_x, heavy = weight[own];
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                if (!pixels.inside[r] || row + r < held[0] || row + r >= held[1]) continue;
                double squared = 0.0, dy = (double(row + r) - y) * scale_y;
#pragma unroll UNROLL
                for (int c = 0; c < C; c++) {
                    double d = double(pixels.value(r, c)) - middle[c];
                    squared = squared + d * d;
                }
                double away = heavy * squared + (dy * dy + dx * dx);
                if (away < least[r]) least[r] = away, nearest[r] = own;  // strict: a tie goes to the lower index
            }
        }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (write && nearest[r] >= 0) labels[pixels.first + static_cast<long long>(r) * n_cols] = nearest[r];
    }
    add(pixels, nearest, row, left, sums);
}

// Centers at the means of their pixels, with windows of `reach` to each side; those of no pixels are gone.
extern "C" __global__ void __launch_bounds__(THREADS)
    moved(const long long* sums, int n_centers, double reach_y, double reach_x, double* position, double* color,
          int* window) {
    long long k = own_index();
    if (k >= n_centers) return;
    const long long* own = sums + k * (3 + C);
    bool alive = own[0] > 0;
    double count = double(alive ? own[0] : 1);
    double y = double(own[1]) / count, x = double(own[2]) / count;
    position[2 * k] = y, position[2 * k + 1] = x;
#pragma unroll 1
    for (int c = 0; c < C; c++) color[k * C + c] = double(own[3 + c]) / count;
    window[4 * k] = alive ? int(y - reach_y) : 0;
    window[4 * k + 1] = alive ? int(y + reach_y + 1.0) : 0;
    window[4 * k + 2] = alive ? int(x - reach_x) : 0;
    window[4 * k + 3] = alive ? int(x + reach_x + 1.0) : 0;
}

// The largest squared difference of a pixel's values from its segment's color, as the bits of a float64: these are in
// the order of the numbers, which are not negative.
extern "C" __global__ void __launch_bounds__(THREADS)
    farthest(const float* planes, const int* labels, long long n_pixels, const double* color, long long* most) {
    long long i = own_index();
    if (i >= n_pixels || labels[i] < 0) return;
    int k = labels[i];
    double squared = 0.0;
    for (int c = 0; c < C; c++) {
        double d = double(planes[c * n_pixels + i]) - color[static_cast<long long>(k) * C + c];
        squared = squared + d * d;
    }
    long long bits = __double_as_longlong(squared);
    const volatile long long* now = most + k;
    if (bits > *now) atomicMax(most + k, bits);
}
