// Mean shift as OpenCV defines it: a square window, positions and values rounded to whole numbers after each step.
//
// Compile-time constant, set by mean_shift_filter.py:
//   CHANNELS  1 to 3
//
// A pixel is one word: its three bytes, and a byte of 1 that is counted. Pixels that take no part are 0, which adds
// nothing to any sum, wherever the center is. All sums are of whole numbers, so no order changes a bit.

#include "climbs.cuh"

typedef unsigned char uint8;
typedef unsigned long long uint64;

constexpr int C = CHANNELS;

extern "C" __global__ void __launch_bounds__(THREADS)
    words_of(const uint8* image, const bool* mask, int masked, long long n_pixels, unsigned* words) {
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (i >= n_pixels) return;
    unsigned word = 1u << 24;
#pragma unroll
    for (int c = 0; c < C; c++) word |= unsigned(image[i * C + c]) << (8 * c);
    words[i] = masked && !mask[i] ? 0u : word;
}

struct Sums {
    unsigned count;
    uint64 y, x, value[3];  // of absolute positions
};

// Sums of the window's pixels whose bytes differ from those of `center` by squares that add up to `limit` or less.
__device__ __forceinline__ Sums window(const unsigned* words, const Place& place, const Box& box, unsigned center,
                                       unsigned limit) {
    Sums sums{};
    for (int row = box.y0; row <= box.y1; row++) {
        const unsigned* line = words + static_cast<long long>(row - place.top) * place.n_cols - place.start;
        unsigned count = 0, x = 0, red = 0, green = 0, blue = 0;  // of one row: 8193 * 8193 fits
#pragma unroll 4
        for (int column = box.x0; column <= box.x1; column++) {
            unsigned word = line[column], apart = __vabsdiffu4(word, center);
            word = __dp4a(apart, apart, 0u) <= limit ? word : 0u;
            unsigned one = word >> 24;
            count += one;
            x += one * unsigned(column - box.x0);
            red = __dp4a(word, 0x1u, red);
            green = __dp4a(word, 0x100u, green);
            blue = __dp4a(word, 0x10000u, blue);
        }
        sums.count += count;
        sums.y += uint64(count) * unsigned(row);
        sums.x += uint64(count) * unsigned(box.x0) + x;
        sums.value[0] += red, sums.value[1] += green, sums.value[2] += blue;
    }
    return sums;
}

__device__ __forceinline__ int byte_of(unsigned word, int c) { return int(word >> (8 * c) & 0xffu); }

// Climb as the kernel of the same name in mean_shift_filter.cu does; a center is a row, a column and a word.
extern "C" __global__ void __launch_bounds__(THREADS)
    climb(const unsigned* words, const int* sizes, int radius, unsigned limit, float tol, long long first_pixel,
          long long n_pixels, int per_warp, double* found, bool* left) {
    Place place(sizes);
    long long per_frame = static_cast<long long>(place.n_rows) * place.n_cols;
    const unsigned* frame = words;
    long long pixel = 0;
    unsigned center = 0, mass = 0;
    int cy = 0, cx = 0, n_left = 0;
    bool climbing = false, cut = false;
    Stretch stretch(n_pixels, per_warp);
    do {
        long long taken = stretch.take(!climbing);
        if (taken >= 0) {
            pixel = taken;
            long long at = first_pixel + pixel, in_frame = at % per_frame;
            frame = words + (at - in_frame);
            center = words[at];
            climbing = center != 0;
            cy = climbing ? place.top + int(in_frame / place.n_cols) : 0;
            cx = climbing ? place.start + int(in_frame % place.n_cols) : 0;
            mass = 0, cut = false, n_left = place.max_num_iter;
        }
        bool done = taken >= 0 && !climbing;
        if (climbing) {
            Box box(place, cy - radius, cy + radius, cx - radius, cx + radius);
            cut |= box.cut;
            Sums sums = window(frame, place, box, center, limit);
            done = sums.count == 0;
            if (!done) {
                mass = sums.count;
                double part = 1.0 / double(mass);  // multiplied by, as OpenCV does: a quotient could round another way
                int y = int(rint(double(sums.y) * part)), x = int(rint(double(sums.x) * part));
                unsigned next = 1u << 24;
                int moved = abs(y - cy) + abs(x - cx);
#pragma unroll
                for (int c = 0; c < 3; c++) {
                    int value = int(rint(double(sums.value[c]) * part)), by = value - byte_of(center, c);
                    next |= unsigned(value) << (8 * c);
                    moved += by * by;
                }
                done = (y == cy && x == cx) || float(moved) <= tol || --n_left == 0;
                cy = y, cx = x, center = next;
            }
            climbing = !done;
        }
        if (done) {
            double* own = found + pixel * (C + 3);
#pragma unroll
            for (int c = 0; c < C; c++) own[c] = byte_of(center, c);
            own[C] = cy, own[C + 1] = cx, own[C + 2] = mass;
            left[pixel] = cut;
        }
    } while (stretch.go_on(climbing));
}
