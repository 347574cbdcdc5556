// Coarser grids of a graph of pixels: which point a pixel joins, the links of points, values on the way there and back.
// A point lies on every other row and column, and its pixels are among the 3 x 3 around it: each point looks for them,
// so that no two threads write to one place, and sums are in raster order.

constexpr int THREADS = 256;

#include "stencil.cuh"

__device__ __forceinline__ long long own_index() {
    return static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
}

// The number of the point of each pixel: of those at most a pixel away the one that it is linked to most, of equals the
// first. `index_of` (2, 3) has the number of each offset to such a pixel, -1 where there is none.
extern "C" __global__ void __launch_bounds__(THREADS)
    parents(const int* sizes, const int* index_of, const float* weights, int* out) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    if (!at.inside) return;
    int coarse_cols = (stencil.n_cols + 1) / 2, best = at.row / 2 * coarse_cols + at.col / 2;
    int tall = at.row % 2, wide = at.col % 2;
    float strongest = -1.0f;
    for (int down = -tall; down <= tall; down += 1 + tall) {
        for (int right = -wide; right <= wide; right += 1 + wide) {
            int row = at.row + down, col = at.col + right;
            if (row >= stencil.n_rows || col >= stencil.n_cols) continue;
            bool after = down > 0 || (down == 0 && right > 0);
            int o = after ? index_of[3 * down + right + 1] : index_of[-3 * down - right + 1];
            long long link = after ? stencil.link(at.row, at.col) : stencil.link(row, col);
            float weight = o >= 0 ? weights[link + static_cast<long long>(o) * stencil.columns] : 0.0f;
            if (weight > strongest) strongest = weight, best = row / 2 * coarse_cols + col / 2;
        }
    }
    out[at.index] = best;
}

// The pixels that a point may have, in raster order: visit(row, col) is called for those whose point it is.
template <class Visit>
__device__ __forceinline__ void visit_pixels(const int* point_of, int n_rows, int n_cols, int row, int col, int point,
                                             Visit visit) {
    for (int y = max(2 * row - 1, 0); y <= min(2 * row + 1, n_rows - 1); y++) {
        for (int x = max(2 * col - 1, 0); x <= min(2 * col + 1, n_cols - 1); x++) {
            if (point_of[static_cast<long long>(y) * n_cols + x] == point) visit(y, x);
        }
    }
}

// Sums of `values` over the pixels of each point.
extern "C" __global__ void __launch_bounds__(THREADS)
    gather(const double* values, const int* parent, int n_rows, int n_cols, double* out) {
    int coarse_cols = (n_cols + 1) / 2;
    long long point = own_index();
    if (point >= static_cast<long long>((n_rows + 1) / 2) * coarse_cols) return;
    double sum = 0.0;
    visit_pixels(parent, n_rows, n_cols, int(point / coarse_cols), int(point % coarse_cols), int(point),
                 [&](int y, int x) { sum = sum + values[static_cast<long long>(y) * n_cols + x]; });
    out[point] = sum;
}

// What links two pixels of different points links these. Each point adds to the links that are kept at it, which
// `coarse` describes; `index_of` (rows, 2 * middle + 1) has the number of each of their offsets. `out` is zeros.
extern "C" __global__ void __launch_bounds__(THREADS)
    join_weights(const int* sizes, const int* offsets, const float* weights, const int* parent, const int* coarse,
                 const int* index_of, int middle, float* out) {
    Stencil stencil(sizes), points(coarse);
    Pixel at(points);
    if (!at.inside) return;
    int own = int(at.index);
    float* to = out + points.link(at.row, at.col);
    visit_pixels(parent, stencil.n_rows, stencil.n_cols, at.row, at.col, own, [&](int y, int x) {
        for (int step = 0; step < 2 * stencil.n_offsets; step++) {
            int o = step / 2, sign = step % 2 ? -1 : 1;
            int row = y + sign * offsets[2 * o], col = x + sign * offsets[2 * o + 1];
            if (row < 0 || row >= stencil.n_rows || col < 0 || col >= stencil.n_cols) continue;
            int other = parent[static_cast<long long>(row) * stencil.n_cols + col];
            if (other <= own) continue;  // that link is kept at the other point, or lies within this one
            long long link = sign > 0 ? stencil.link(y, x) : stencil.link(row, col);
            int down = other / points.n_cols - at.row, right = other % points.n_cols - at.col;
            long long k = index_of[down * (2 * middle + 1) + right + middle];
            to[k * points.columns] += weights[link + static_cast<long long>(o) * stencil.columns];
        }
    });
}

// The sums of `share` times the pixels of each point, to its place in `out`, of `size` places a vector; the margins are
// no pixel's point, and get 0. `place` tells each pixel's point by that; the first pixel's is the first point. Blocks along y: vectors.
extern "C" __global__ void __launch_bounds__(THREADS)
    restrict_to(const int* sizes, const float* vectors, const float* share, const int* place, int size, int columns,
                float* out) {
    Stencil stencil(sizes);
    long long at = own_index();
    if (at >= size) return;
    int first = place[0];
    int row = int(at) / columns - first / columns, col = int(at) % columns - first % columns;
    const float* values = vectors + blockIdx.y * stencil.vector();
    float sum = 0.0f;
    visit_pixels(place, stencil.n_rows, stencil.n_cols, row, col, int(at), [&](int y, int x) {
        sum = sum + share[static_cast<long long>(y) * stencil.n_cols + x] * values[stencil.place(y, x)];
    });
    out[blockIdx.y * static_cast<long long>(size) + at] = sum;
}

// Add `factor` times each point's value to its pixels. Blocks along y: vectors.
extern "C" __global__ void __launch_bounds__(THREADS)
    prolong(const int* sizes, const float* coarse, const int* place, float factor, int size, float* out) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    if (!at.inside) return;
    float* to = out + blockIdx.y * stencil.vector() + stencil.place(at.row, at.col);
    *to = *to + factor * coarse[blockIdx.y * static_cast<long long>(size) + place[at.index]];
}
