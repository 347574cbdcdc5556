// Union-find on pixels, by many threads at once.
//
// `parents` holds a forest over the pixels of an image, by index: a pixel is its own parent where it is a root, and -1
// where it takes no part. The lower index wins each union, so that a root is the first pixel of its region, whatever
// the order of threads.

constexpr int THREADS = 256;

__device__ __forceinline__ long long own_index() {
    return static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
}

// Other threads write meanwhile; what is read may be old, and then it is still on the way to the root. Of the pixels on
// the way each gets its parent's parent: no other pixel than a root is ever joined, so that is an ancestor for good.
__device__ __forceinline__ int root(volatile int* parents, int i) {
    for (int parent = parents[i]; parent != i;) {
        int next = parents[parent];
        if (next == parent) return parent;
        parents[i] = next;
        i = parent, parent = next;
    }
    return i;
}

__device__ __forceinline__ void join(int* parents, int one, int other) {
    for (;;) {
        one = root(parents, one), other = root(parents, other);
        if (one == other) return;
        int high = max(one, other), low = min(one, other);
        int old = atomicCAS(parents + high, high, low);
        if (old == high) return;
        one = old, other = low;  // another thread was faster: what it joined to is joined on
    }
}
