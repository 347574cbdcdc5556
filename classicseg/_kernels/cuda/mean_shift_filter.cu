// Mean shift of pixels by a window that is round in position and in value: one thread climbs from one pixel.
//
// Compile-time constants, set by mean_shift_filter.py:
//   PIXEL     type of the image's values
//   CHANNELS  how many an image has
//   KIND      weight of a pixel: 0 flat, 1 Epanechnikov, 2 Gaussian
//
// Values come in units in which the range bandwidth lies in [1, 2), and centers lie on grids that are fine against the
// bandwidths. So differences of whole numbers from a center, their squares and the flat kernel's sums over a row are
// whole numbers of grid steps that float32 holds, and no order of summation changes a bit. The weighted kernels sum in
// float64 and round to the same grids.

#include "climbs.cuh"

#if KIND == 0
typedef float real;
#else
typedef double real;
#endif

constexpr int C = CHANNELS;
constexpr bool FLAT = KIND == 0, GAUSSIAN = KIND == 2;
constexpr bool FEW = C <= 8;                    // all that a climb needs of its channels stays in registers
constexpr int GROUP = FEW ? C : 8;              // else a window is walked once for so many channels
constexpr int UNROLL = FEW ? C + 1 : 1;         // of loops over all channels
constexpr double GRID_RANGE = 2048.0;           // steps of the grid of values in a unit
constexpr double LARGEST = 4611686018427387904.0;  // 2^62 units: larger values stay what they are
constexpr double MARGIN = 1e-3;                 // of a row's half width, over what rounding takes from it

// Numbers of the rule, then a factor for the squared difference of each channel.
enum { RADIUS, REACH, LIMIT, GRID, BANDWIDTH_2, TOL_2, WIDTH_2, UNIT, OF_SPACE, OF_VALUE, OF_MASS, SCALES };

// Planes (C, n_pixels) in units from pixels (n_pixels, C); the first is NaN where a pixel takes no part.
extern "C" __global__ void __launch_bounds__(THREADS)
    planes_of(const PIXEL* image, const bool* mask, int masked, long long n_pixels, const double* numbers,
              float* planes) {
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (i >= n_pixels) return;
    double unit = numbers[UNIT];  // a power of two: dividing by it rounds nothing
    bool aside = masked && !mask[i];
    for (int c = 0; c < C; c++) {
        double value = double(image[i * C + c]) / unit;
        aside |= !(fabs(value) <= LARGEST);
        planes[c * n_pixels + i] = float(value);
    }
    if (aside) planes[i] = __int_as_float(0x7fffffff);
}

// exp(-t) for 0 <= t <= 9 by Taylor's series of a sixteenth; off by less than 4e-15 of it.
__device__ __forceinline__ double exp_of_minus(double t) {
    double part = t * (1.0 / 16.0), power = 1.0;
#pragma unroll
    for (int n = 14; n > 0; n--) power = 1.0 - part * (1.0 / n) * power;
#pragma unroll
    for (int half = 0; half < 4; half++) power = power * power;
    return power;
}

// A center. Its values are in registers where they are few, else in the pixel's row of `found`.
struct Center {
    double y, x, own[FEW ? C : 1];
    double* far;

    __device__ __forceinline__ double value(int c) const { return FEW ? own[FEW ? c : 0] : far[c]; }
    __device__ __forceinline__ void set(int c, double value) { (FEW ? own[FEW ? c : 0] : far[c]) = value; }
};

struct Sums {
    double weight, y, x, value[GROUP];  // differences from the center, times weight
};

struct Frame {
    const float* planes;  // of this frame
    long long n_pixels;   // from plane to plane
    const double* numbers;
    int n_cols, top, start;
};

// A center as the sum of two numbers, where one float32 has too few digits for it.
__device__ __forceinline__ real high_part(double value) { return real(value); }
__device__ __forceinline__ real low_part(double value) { return FLAT ? real(value - double(real(value))) : real(0); }
__device__ __forceinline__ real plus_square(real sum, real scale, real d) {
    if constexpr (FLAT) return fmaf(scale * d, d, sum);  // nothing is rounded where images are whole numbers
    return sum + scale * d * d;
}

__device__ __forceinline__ real difference(const Frame& frame, const Center& center, const float* line, int column,
                                           int c) {
    double middle = center.value(c);
    return (real(line[c * frame.n_pixels + column]) - high_part(middle)) - low_part(middle);
}

// One row of the window, columns `from` to `to`, added to `sums`; `rest` is what dy leaves of the spatial limit.
__device__ __forceinline__ void add_row(const Frame& frame, const Center& center, int row, int from, int to, real rest,
                                        int first, Sums& sums) {
    const double* numbers = frame.numbers;
    const float* line = frame.planes + static_cast<long long>(row - frame.top) * frame.n_cols - frame.start;
    real limit = real(numbers[LIMIT]), dx = real(double(from) - center.x);
    real high[FEW ? C : 1], low[FEW ? C : 1], scale[FEW ? C : 1];
    if constexpr (FEW) {
#pragma unroll
        for (int c = 0; c < C; c++) {
            high[c] = high_part(center.value(c)), low[c] = low_part(center.value(c));
            scale[c] = real(numbers[SCALES + c]);
        }
    }
    real weight = 0, x = 0, value[GROUP];
#pragma unroll
    for (int c = 0; c < GROUP; c++) value[c] = 0;
    for (int column = from; column <= to; column++, dx += real(1)) {
        real sum = 0, delta[GROUP];
        if constexpr (FEW) {
#pragma unroll
            for (int c = 0; c < C; c++) {
                delta[c] = (real(line[c * frame.n_pixels + column]) - high[c]) - low[c];
                sum = plus_square(sum, scale[c], delta[c]);
            }
        } else {
#pragma unroll 1
            for (int c = 0; c < C; c++) {
                sum = plus_square(sum, real(numbers[SCALES + c]), difference(frame, center, line, column, c));
            }
        }
        if (!(sum <= limit && dx * dx <= rest)) continue;  // NaN is no number to stay below
        real own = 1;
        if constexpr (GAUSSIAN) {
            own = exp_of_minus((numbers[REACH] - rest + dx * dx) * numbers[OF_SPACE] + sum * numbers[OF_VALUE]);
        } else if constexpr (!FLAT) {
            own = (rest - dx * dx) * (limit - sum);
        }
        weight += own;
        x += own * dx;
#pragma unroll
        for (int c = 0; c < GROUP; c++) {
            value[c] += own * (FEW ? delta[c] : difference(frame, center, line, column, min(first + c, C - 1)));
        }
    }
    sums.weight += weight;
    sums.y += double(weight) * (double(row) - center.y);
    sums.x += x;
#pragma unroll
    for (int c = 0; c < GROUP; c++) sums.value[c] += value[c];
}

// Sums over the window, of the values of channels `first` and the next.
__device__ __forceinline__ Sums window(const Frame& frame, const Center& center, const Box& box, int first) {
    Sums sums;
    sums.weight = sums.y = sums.x = 0.0;
#pragma unroll
    for (int c = 0; c < GROUP; c++) sums.value[c] = 0.0;
    for (int row = box.y0; row <= box.y1; row++) {
        double dy = double(row) - center.y;
        real rest = real(frame.numbers[REACH] - dy * dy);
        if (rest < 0) continue;
        double half = sqrt(double(rest)) + MARGIN;  // no column beyond it can lie in the window
        int from = max(box.x0, int(ceil(center.x - half))), to = min(box.x1, int(floor(center.x + half)));
        add_row(frame, center, row, from, to, rest, first, sums);
    }
    return sums;
}

// Go to the mean, rounded to the grids; say whether the center stays. `next` has room for the values of a center that
// are not in registers: all of them change at once.
__device__ __forceinline__ bool step(const Frame& frame, Center& center, const Box& box, double* next, double& mass) {
    const double* numbers = frame.numbers;
    double step_y = 0.0, step_x = 0.0, moved = 0.0;
#pragma unroll 1
    for (int first = 0; first < C; first += GROUP) {
        Sums sums = window(frame, center, box, first);
        if (sums.weight == 0.0) return true;  // the mean lies where no pixel is near
        if (first == 0) {
            double grid = numbers[GRID];
            mass = sums.weight * numbers[OF_MASS];
            step_y = rint(sums.y / sums.weight / grid) * grid;
            step_x = rint(sums.x / sums.weight / grid) * grid;
            moved = (step_y * step_y + step_x * step_x) / numbers[BANDWIDTH_2];
        }
#pragma unroll
        for (int c = 0; c < GROUP; c++) {
            if (!FEW && first + c >= C) break;
            double change = rint(sums.value[c] / sums.weight * GRID_RANGE) / GRID_RANGE;
            moved = moved + change * change * numbers[SCALES + first + c] / numbers[WIDTH_2];
            if constexpr (FEW) {
                center.own[c] += change;
            } else {
                next[first + c] = center.value(first + c) + change;
            }
        }
    }
    if constexpr (!FEW) {
#pragma unroll 1
        for (int c = 0; c < C; c++) center.set(c, next[c]);
    }
    center.y += step_y;
    center.x += step_x;
    return moved <= numbers[TOL_2];
}

// Climb from `n_pixels` pixels, `first_pixel` of the frames and the next: `found` (n_pixels, C + 3) gets the values of
// the mode, its row and column, and the weight of the last window; 0 of pixels that take no part. `left` tells which
// windows held pixels of the image that the block has not. `scratch` (n_pixels, C) serves where channels are many.
extern "C" __global__ void __launch_bounds__(THREADS)
    climb(const float* planes, const int* sizes, const double* numbers, long long all_pixels, long long first_pixel,
          long long n_pixels, int per_warp, double* found, double* scratch, bool* left) {
    Place place(sizes);
    long long per_frame = static_cast<long long>(place.n_rows) * place.n_cols;
    Frame frame{planes, all_pixels, numbers, place.n_cols, place.top, place.start};
    Center center;
    double mass = 0.0, *next = scratch;
    long long pixel = 0;
    int n_left = 0;
    bool climbing = false, cut = false;
    Stretch stretch(n_pixels, per_warp);
    do {
        long long taken = stretch.take(!climbing);
        if (taken >= 0) {
            pixel = taken;
            long long at = first_pixel + pixel, in_frame = at % per_frame;
            frame.planes = planes + (at - in_frame);
            center.far = found + pixel * (C + 3);
            climbing = planes[at] == planes[at];  // not NaN
#pragma unroll UNROLL
            for (int c = 0; c < C; c++) center.set(c, climbing ? double(planes[c * all_pixels + at]) : 0.0);
            center.y = climbing ? double(place.top + int(in_frame / place.n_cols)) : 0.0;
            center.x = climbing ? double(place.start + int(in_frame % place.n_cols)) : 0.0;
            mass = 0.0, cut = false, n_left = place.max_num_iter;
            if constexpr (!FEW) next = scratch + pixel * C;
        }
        bool done = taken >= 0 && !climbing;
        if (climbing) {
            double radius = numbers[RADIUS];
            Box box(place, int(ceil(center.y - radius)), int(floor(center.y + radius)), int(ceil(center.x - radius)),
                    int(floor(center.x + radius)));
            cut |= box.cut;
            done = step(frame, center, box, next, mass) || --n_left == 0;
            climbing = !done;
        }
        if (done) {
            double* own = found + pixel * (C + 3);
#pragma unroll UNROLL
            for (int c = 0; c < C; c++) own[c] = center.value(c) * numbers[UNIT];
            own[C] = center.y, own[C + 1] = center.x, own[C + 2] = mass;
            left[pixel] = cut;
        }
    } while (stretch.go_on(climbing));
}
