// A step of the random walk on a graph of pixels; products.cuh says what its constants mean.

constexpr int THREADS = 128, BLOCKS = 3;  // three blocks at once leave registers for all sums

#include "stencil.cuh"
#include "products.cuh"

// ``a * P(vectors) + b * vectors + c * other``, P by 1 / degree and the share of a point's links within it. `out` may be
// `other`. Blocks along y take VECTORS vectors each.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    step(const int* sizes, const int* runs, int n_runs, const float* weights, const VALUE* inverse, const VALUE* own,
         const VALUE* vectors, const VALUE* other, VALUE a, VALUE b, VALUE c, VALUE* out) {
    Stencil stencil(sizes);
    Pixels at(stencil);
    if (!at.inside) return;
    long long skipped = blockIdx.y * VECTORS * stencil.vector();
    Sums sums(stencil, runs, n_runs, weights, vectors + skipped, at);
    inverse += static_cast<long long>(at.row) * stencil.n_cols + at.col;
    own += static_cast<long long>(at.row) * stencil.n_cols + at.col;
    skipped += stencil.place(at.row, at.col);
#pragma unroll
    for (int k = 0; k < VECTORS; k++, skipped += stencil.vector()) {
#pragma unroll
        for (int p = 0; p < FOUR; p++) {
            if (at.col + p >= stencil.n_cols) continue;
            Value here = vectors[skipped + p], walked = fused(sums.of[k][p], inverse[p], own[p] * here);
            out[skipped + p] = fused(a, walked, fused(b, here, c * other[skipped + p]));
        }
    }
}
