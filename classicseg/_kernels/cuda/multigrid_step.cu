// A step of the random walk on a graph of pixels; products.cuh says what its constants mean.

constexpr int THREADS = 256;

#include "stencil.cuh"
#include "products.cuh"

// ``a * P(vectors) + b * vectors + c * other``, P by 1 / degree and the share of a point's links within it. `out` may be
// `other`. Blocks along y take VECTORS vectors each.
extern "C" __global__ void __launch_bounds__(THREADS)
    step(const int* sizes, const int* runs, int n_runs, const float* weights, const VALUE* inverse, const VALUE* own,
         const VALUE* vectors, const VALUE* other, VALUE a, VALUE b, VALUE c, VALUE* out) {
    Stencil stencil(sizes);
    Pixels at(stencil);
    if (!at.inside) return;
    long long skipped = blockIdx.y * VECTORS * stencil.vector(), place = skipped + stencil.place(at.row, at.col);
    Sums sums(stencil, runs, n_runs, weights, vectors + skipped, at);
    long long pixel = static_cast<long long>(at.row) * stencil.n_cols + at.col;
#pragma unroll
    for (int p = 0; p < FOUR; p++) {
        if (at.col + p >= stencil.n_cols) continue;
        Value degree = inverse[pixel + p], share = own[pixel + p];
#pragma unroll
        for (int k = 0; k < VECTORS; k++) {
            long long i = place + k * stencil.vector() + p;
            Value here = vectors[i], walked = fused(sums.of[k][p], degree, share * here);
            out[i] = fused(a, walked, fused(b, here, c * other[i]));
        }
    }
}
