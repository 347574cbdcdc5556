// What the pixels next to a pixel have in several vectors, times the links to them. stencil.cuh comes first.
//
// Compile-time constants:
//   VALUE    type of the vectors, float or double
//   VECTORS  how many of them a thread takes
//
// A thread has 4 pixels side by side, so that of 4 values that it reads along a row each serves 4 links: margins, and
// with them every place that it reads from, are multiples of 4. Sums are by fused products, in the order of the text.

constexpr int FOUR = 4, WARPS = THREADS / 32;
using Value = VALUE;

template <class T>
struct alignas(16) Four {
    T at[FOUR];
};

template <class T>
__device__ __forceinline__ Four<T> four(const T* from) {
    return *reinterpret_cast<const Four<T>*>(from);
}

__device__ __forceinline__ float fused(float a, float b, float c) { return fmaf(a, b, c); }
__device__ __forceinline__ double fused(double a, double b, double c) { return fma(a, b, c); }

// A thread's pixels. A block has a tile of WARPS rows, 128 columns wide.
struct Pixels {
    int row, col;
    bool inside;

    __device__ __forceinline__ explicit Pixels(const Stencil& stencil) {
        int across = (stencil.n_cols + 32 * FOUR - 1) / (32 * FOUR);
        row = int(blockIdx.x) / across * WARPS + int(threadIdx.x) / 32;
        col = int(blockIdx.x) % across * 32 * FOUR + int(threadIdx.x) % 32 * FOUR;
        inside = row < stencil.n_rows && col < stencil.n_cols;
    }
};

// Offsets side by side, from column `first` to `last` of the row `down` below; they are numbered from `index` on.
struct Run {
    int down, first, last, index;

    __device__ __forceinline__ explicit Run(const int* runs) : down(runs[0]), first(runs[1]), last(runs[2]), index(runs[3]) {}
};

// Eight values from `from` on, of which the last four are read where they are `wanted`.
template <class T>
struct Eight {
    Four<T> low, high;

    __device__ __forceinline__ Eight(const T* from, bool wanted) : low(four(from)), high() {
        if (wanted) high = four(from + FOUR);
    }
    __device__ __forceinline__ T at(int i) const { return i < FOUR ? low.at[i & 3] : high.at[i & 3]; }
};

struct Sums {
    Value of[VECTORS][FOUR];

    // Add what lies from column `low` to `high` of a row of the vectors, whose own column is at `values`. The link to
    // column i is `links[i * step]`; where it is `kept_there` rather than here, it is that of the other pixel.
    __device__ __forceinline__ void add(const float* links, long long step, bool kept_there, const Value* values,
                                        long long apart, int low, int high) {
#pragma unroll 1
        for (int start = low & ~3; start <= high; start += FOUR) {
            Four<float> link[FOUR];
#pragma unroll
            for (int s = 0; s < FOUR; s++) {
                if (start + s < low || start + s > high) continue;
                const float* from = links + (start + s) * step;
                if (kept_there) {
                    Eight<float> both(from + start, s > 0);
#pragma unroll
                    for (int p = 0; p < FOUR; p++) link[s].at[p] = both.at(s + p);
                } else {
                    link[s] = four(from);
                }
            }
#pragma unroll
            for (int k = 0; k < VECTORS; k++) {
                Eight<Value> value(values + k * apart + start, high > start);
#pragma unroll
                for (int s = 0; s < FOUR; s++) {
                    if (start + s < low || start + s > high) continue;
#pragma unroll
                    for (int p = 0; p < FOUR; p++) {
                        of[k][p] = fused(Value(link[s].at[p]), value.at(s + p), of[k][p]);
                    }
                }
            }
        }
    }

    __device__ __forceinline__ Sums(const Stencil& stencil, const int* runs, int n_runs, const float* weights,
                                    const Value* vectors, const Pixels& at) : of{} {
        long long columns = stencil.columns, apart = stencil.vector();
#pragma unroll 1
        for (int r = 0; r < n_runs; r++) {
            Run run(runs + 4 * r);
            const float* forth = weights + stencil.link(at.row, at.col) + (run.index - run.first) * columns;
            add(forth, columns, false, vectors + stencil.place(at.row + run.down, at.col), apart, run.first, run.last);
            const float* back = weights + stencil.link(at.row - run.down, at.col) + (run.index - run.first) * columns;
            add(back, -columns, true, vectors + stencil.place(at.row - run.down, at.col), apart, -run.last, -run.first);
        }
    }
};
