// Parts of a graph of pixels that hang together, and what a label is linked to most.

#include "forest.cuh"
#include "stencil.cuh"

// Join every pixel with those that it is linked to; `parents` as forest.cuh has them.
extern "C" __global__ void __launch_bounds__(THREADS)
    join_links(const int* sizes, const int* offsets, const float* weights, int* parents) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    if (!at.inside) return;
    for (int o = 0; o < stencil.n_offsets; o++) {
        Both both(stencil, weights, offsets, at, o);
        int apart = offsets[2 * o] * stencil.n_cols + offsets[2 * o + 1];
        if (both.forth > 0.0f) join(parents, int(at.index), int(at.index) + apart);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) join_partners(const int* partner, int n, int* parents) {
    long long i = own_index();
    if (i < n) join(parents, int(i), partner[i]);
}

// Calls visit(weight, which) for every link of a pixel to another label; `which` numbers links as the CPU's twin comes
// to them: by the row of the upper pixel, the offset, its column.
template <class Visit>
__device__ __forceinline__ void visit_others(const Stencil& stencil, const int* offsets, const float* weights,
                                             const int* label, const Pixel& at, Visit visit) {
    int own = label[at.index];
    for (int o = 0; o < stencil.n_offsets; o++) {
        Both both(stencil, weights, offsets, at, o);
        int down = offsets[2 * o], right = offsets[2 * o + 1];
        long long apart = static_cast<long long>(down) * stencil.n_cols + right;
        long long here = (static_cast<long long>(at.row) * stencil.n_offsets + o) * stencil.n_cols + at.col;
        long long above = here - static_cast<long long>(down) * stencil.n_offsets * stencil.n_cols - right;
        if (both.forth > 0.0f && label[at.index + apart] != own) visit(both.forth, here);
        if (both.back > 0.0f && label[at.index - apart] != own) visit(both.back, above);
    }
}

// The highest weight of each label's links to others, as the bits of a float: these are in the order of the numbers,
// which are positive.
extern "C" __global__ void __launch_bounds__(THREADS)
    highest(const int* sizes, const int* offsets, const float* weights, const int* label, int* best) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    if (!at.inside) return;
    float most = 0.0f;
    visit_others(stencil, offsets, weights, label, at, [&](float weight, long long) { most = fmaxf(most, weight); });
    if (most > 0.0f) atomicMax(best + label[at.index], __float_as_int(most));
}

// The first of each label's links that have this weight; `first` begins beyond all of them.
extern "C" __global__ void __launch_bounds__(THREADS)
    first_of_highest(const int* sizes, const int* offsets, const float* weights, const int* label, const int* best,
                     long long* first) {
    Stencil stencil(sizes);
    Pixel at(stencil);
    if (!at.inside) return;
    float most = __int_as_float(best[label[at.index]]);
    long long found = first[label[at.index]];
    bool some = false;
    visit_others(stencil, offsets, weights, label, at, [&](float weight, long long which) {
        if (weight == most && which < found) found = which, some = true;
    });
    if (some) atomicMin(first + label[at.index], found);
}

// The label at the other end of each label's link; itself where it has none.
extern "C" __global__ void __launch_bounds__(THREADS)
    partners(const int* sizes, const int* offsets, const int* label, const int* best, const long long* first,
             int n_labels, int* partner) {
    Stencil stencil(sizes);
    long long i = own_index();
    if (i >= n_labels) return;
    int other = int(i);
    if (best[i] > 0) {
        long long line = first[i] / stencil.n_cols, col = first[i] % stencil.n_cols;
        int row = int(line / stencil.n_offsets), o = int(line % stencil.n_offsets);
        long long at = static_cast<long long>(row) * stencil.n_cols + col;
        int upper = label[at], lower = label[at + static_cast<long long>(offsets[2 * o]) * stencil.n_cols + offsets[2 * o + 1]];
        other = upper == i ? lower : upper;
    }
    partner[i] = other;
}
