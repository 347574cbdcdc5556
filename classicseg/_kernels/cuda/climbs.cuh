// What all climbs of mean shift have: how a warp takes its pixels, and where a frame lies in a larger image.

constexpr int THREADS = 128;
constexpr unsigned ALL = 0xffffffffu;

// Sizes of a frame of the batch, and its place in the image that it is a block of.
struct Place {
    int n_rows, n_cols, top, start, image_rows, image_cols, max_num_iter;

    __device__ __forceinline__ explicit Place(const int* sizes)
        : n_rows(sizes[0]), n_cols(sizes[1]), top(sizes[2]), start(sizes[3]), image_rows(sizes[4]),
          image_cols(sizes[5]), max_num_iter(sizes[6]) {}
};

// Pixels of a window that the image has, and of these the ones in the block; all in coordinates of the image.
struct Box {
    int y0, y1, x0, x1;
    bool cut;  // the image has more of the window than the block

    __device__ __forceinline__ Box(const Place& place, int low_y, int high_y, int low_x, int high_x) {
        int bottom = place.top + place.n_rows - 1, right = place.start + place.n_cols - 1;
        y0 = max(low_y, 0), y1 = min(high_y, place.image_rows - 1);
        x0 = max(low_x, 0), x1 = min(high_x, place.image_cols - 1);
        cut = y0 < place.top || y1 > bottom || x0 < place.start || x1 > right;
        y0 = max(y0, place.top), y1 = min(y1, bottom), x0 = max(x0, place.start), x1 = min(x1, right);
    }
};

// A warp's stretch of pixels. A lane takes the next one when it is done with its last, so that a long climb keeps the
// others waiting at the end of the stretch only.
struct Stretch {
    long long next, end;

    __device__ __forceinline__ Stretch(long long n_pixels, int per_warp) {
        long long warp = (static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x) / 32;
        next = min(warp * per_warp, n_pixels);
        end = min(next + per_warp, n_pixels);
    }
    // The whole warp calls it: each lane that asks gets a pixel, or -1 when there is none left.
    __device__ __forceinline__ long long take(bool asks) {
        unsigned asking = __ballot_sync(ALL, asks);
        long long mine = next + __popc(asking & ((1u << (threadIdx.x & 31)) - 1));
        next = min(next + __popc(asking), end);
        return asks && mine < end ? mine : -1;
    }
    __device__ __forceinline__ bool go_on(bool climbing) const { return __any_sync(ALL, climbing || next < end); }
};
