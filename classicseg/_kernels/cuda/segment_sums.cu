// What regions are described by: sums of integers, which may be added in any order. A thread goes down a piece of a
// column, so that the threads of a warp read neighbours, and adds to memory once for every stretch of one region.

constexpr int THREADS = 256, ROWS = 32;  // of a piece
using uint64 = unsigned long long;

// The piece that a thread goes down: `at` is its first pixel, `stop` the one where it is beyond.
struct Piece {
    long long at, stop;
};

__device__ Piece piece_of(int n_rows, int n_cols) {
    int across = (n_cols + THREADS - 1) / THREADS;
    int col = int(blockIdx.x % across) * THREADS + threadIdx.x, row = int(blockIdx.x / across) * ROWS;
    long long at = static_cast<long long>(row) * n_cols + col;
    return {at, col < n_cols ? at + static_cast<long long>(min(ROWS, n_rows - row)) * n_cols : at};
}

// Values of plane blockIdx.y, multiplied by `scale` and rounded, and their squares, by `square_scale`; to columns
// blockIdx.y and n_planes + blockIdx.y of `sums` (R, n_channels).
extern "C" __global__ void __launch_bounds__(THREADS)
    add_values(const int* labels, const float* planes, int n_rows, int n_cols, double scale, double square_scale,
               int n_planes, int n_channels, uint64* sums) {
    Piece piece = piece_of(n_rows, n_cols);
    const float* plane = planes + static_cast<long long>(n_rows) * n_cols * blockIdx.y;
    int label = 0;
    long long total = 0, squares = 0;
    for (long long at = piece.at; at <= piece.stop; at += n_cols) {
        int here = at < piece.stop ? labels[at] : 0;
        if (here != label) {
            if (label > 0) {
                uint64* row = sums + static_cast<long long>(label - 1) * n_channels + blockIdx.y;
                atomicAdd(row, static_cast<uint64>(total));
                atomicAdd(row + n_planes, static_cast<uint64>(squares));
            }
            label = here;
            total = squares = 0;
        }
        if (here > 0) {
            double value = plane[at];
            total += llrint(value * scale);
            squares += llrint(value * value * square_scale);
        }
    }
}

// Counts of codes, to the columns of `sums` after those of the values; pixels to `area` (R,), and the first of them in
// raster order to `first` (R,).
extern "C" __global__ void __launch_bounds__(THREADS)
    add_codes(const int* labels, const unsigned char* colors, const unsigned char* textons, int n_rows, int n_cols,
              int n_values, int n_colors, int n_channels, uint64* sums, uint64* area, uint64* first) {
    Piece piece = piece_of(n_rows, n_cols);
    int label = 0;
    uint64 count = 0;
    for (long long at = piece.at; at <= piece.stop; at += n_cols) {
        int here = at < piece.stop ? labels[at] : 0;
        if (here != label) {
            if (label > 0) {
                atomicAdd(area + label - 1, count);
                atomicMin(first + label - 1, static_cast<uint64>(at) - count * n_cols);
            }
            label = here;
            count = 0;
        }
        if (here > 0) {
            count++;
            uint64* row = sums + static_cast<long long>(label - 1) * n_channels + n_values;
            atomicAdd(row + colors[at], uint64(1));
            atomicAdd(row + n_colors + textons[at], uint64(1));
        }
    }
}
