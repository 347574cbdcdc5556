// The affinity of pixels times vectors with margins; products.cuh says what its constants mean.

constexpr int THREADS = 128, BLOCKS = 3;  // three blocks at once leave registers for all sums

#include "stencil.cuh"
#include "products.cuh"

// `runs` are the offsets of the stencil. Its columns are those between the margins, a multiple of 4, of which those
// beyond the image have no links. Blocks along y take VECTORS vectors each.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    product(const int* sizes, const int* runs, int n_runs, const float* weights, const VALUE* vectors, VALUE* out) {
    Stencil stencil(sizes);
    Pixels at(stencil);
    if (!at.inside) return;
    long long skipped = blockIdx.y * VECTORS * stencil.vector();
    Sums sums(stencil, runs, n_runs, weights, vectors + skipped, at);
    out += skipped + stencil.place(at.row, at.col);
#pragma unroll
    for (int k = 0; k < VECTORS; k++) {
#pragma unroll
        for (int p = 0; p < FOUR; p++) out[k * stencil.vector() + p] = sums.of[k][p];
    }
}
