// Graphs of pixels as half of a stencil, as affinity.py lays them out: a link of two pixels is kept once, at the upper
// one (at the left one of a row), `weights[(top + row) * n_offsets + o][left + col]`. Above, left and right of the image
// are margins of zeros as wide as the stencil, and all around the image of a vector. THREADS of a block come first.

struct Stencil {
    int n_rows, n_cols, top, left, columns, n_offsets;

    __device__ __forceinline__ explicit Stencil(const int* sizes)
        : n_rows(sizes[0]), n_cols(sizes[1]), top(sizes[2]), left(sizes[3]), columns(sizes[4]), n_offsets(sizes[5]) {}

    // Where the weights of pixel (row, col) begin; those of the next offset lie `columns` on.
    __device__ __forceinline__ long long link(int row, int col) const {
        return static_cast<long long>(top + row) * n_offsets * columns + left + col;
    }
    // Where pixel (row, col) of a vector with margins lies.
    __device__ __forceinline__ long long place(int row, int col) const {
        return static_cast<long long>(top + row) * columns + left + col;
    }
    // How far the next of several vectors lies from one.
    __device__ __forceinline__ long long vector() const { return static_cast<long long>(n_rows + 2 * top) * columns; }
    __device__ __forceinline__ long long n_pixels() const { return static_cast<long long>(n_rows) * n_cols; }
};

// One thread for each pixel of the image, in raster order.
struct Pixel {
    long long index;
    int row, col;
    bool inside;

    __device__ __forceinline__ explicit Pixel(const Stencil& stencil) {
        index = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
        inside = index < stencil.n_pixels();
        row = int(index / stencil.n_cols), col = int(index % stencil.n_cols);
    }
};

// The two links of a pixel along an offset: to the pixel there, and from the one that lies as far on the other side.
struct Both {
    float forth, back;

    __device__ __forceinline__ Both(const Stencil& stencil, const float* weights, const int* offsets, const Pixel& at,
                                    int o) {
        long long along = static_cast<long long>(o) * stencil.columns;
        forth = weights[stencil.link(at.row, at.col) + along];
        back = weights[stencil.link(at.row - offsets[2 * o], at.col - offsets[2 * o + 1]) + along];
    }
};
