// Connected regions of equal label, by union-find on pixels.

#include "forest.cuh"

constexpr unsigned ALL = 0xffffffffu;

struct Image {
    const int* labels;
    const bool* mask;
    int masked;

    // Of two pixels that take part: whether they are of one label.
    __device__ __forceinline__ bool alike(int one, int other) const {
        return (!masked || mask[other]) && labels[one] == labels[other];
    }
};

// Each pixel's parent is the first of its run, of the stretch of one label in its row, as far as its warp sees that.
extern "C" __global__ void __launch_bounds__(THREADS)
    begin(const int* labels, const bool* mask, int masked, int n_pixels, int n_cols, int* parents) {
    long long at = own_index();
    int i = int(at);
    Image image{labels, mask, masked};
    bool inside = at < n_pixels && !(masked && !mask[i]) && labels[i] >= 0;
    bool goes_on = inside && i % n_cols > 0 && image.alike(i, i - 1);
    unsigned firsts = __ballot_sync(ALL, !goes_on) | 1u;  // what begins before the warp is joined on later
    int before = __clz(int(firsts << (31 - threadIdx.x % 32)));  // pixels of the run
    if (at < n_pixels) parents[i] = inside ? i - before : -1;
}

// A pixel is joined with those above it, unless its neighbour to the left is alike and does the same; with `corners`,
// which only tell anything where the pixel above is another, also across them.
extern "C" __global__ void __launch_bounds__(THREADS)
    join_alike(const int* labels, const bool* mask, int masked, int n_pixels, int n_cols, int corners, int* parents) {
    long long at = own_index();
    int i = int(at);
    if (at >= n_pixels || parents[i] < 0) return;
    Image image{labels, mask, masked};
    int col = i % n_cols;
    bool left = col > 0 && image.alike(i, i - 1);
    if (left && threadIdx.x % 32 == 0) join(parents, i, i - 1);
    if (i < n_cols) return;
    int above = i - n_cols;
    if (image.alike(i, above)) {
        if (!(left && image.alike(i, above - 1))) join(parents, i, above);
    } else if (corners) {
        if (!left && col > 0 && image.alike(i, above - 1)) join(parents, i, above - 1);
        bool right = col < n_cols - 1 && image.alike(i, i + 1);
        if (!right && col < n_cols - 1 && image.alike(i, above + 1)) join(parents, i, above + 1);
    }
}

// Every pixel's parent becomes its root; `firsts` is 1 where a region begins.
extern "C" __global__ void __launch_bounds__(THREADS) find_roots(int n_pixels, int* parents, int* firsts) {
    long long i = own_index();
    if (i >= n_pixels) return;
    int parent = parents[i] < 0 ? -1 : root(parents, int(i));
    parents[i] = parent;
    firsts[i] = parent == i;
}

// `ranks` counts the regions that begin up to a pixel; roots become numbers in place.
extern "C" __global__ void __launch_bounds__(THREADS) number(const int* ranks, int n_pixels, int* regions) {
    long long i = own_index();
    if (i < n_pixels) regions[i] = regions[i] < 0 ? 0 : ranks[regions[i]];
}
