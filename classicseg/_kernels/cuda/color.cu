// RGB (sRGB) to CIE Lab and Luv, for the D65 white point and the 2° observer. One thread per pixel: three channels are
// read once, three floats are written, in rows of their own so that neighbours write side by side. Every operation is
// that of the CPU's twin, in the same order, so that both give the same bits.
//
// Compile-time constants, set by color.py:
//   PIXEL  type of a channel: unsigned char, unsigned short, float or double
//   WHOLE  1 where channels are whole numbers, whose linear light is looked up; 0 for floats, which range over 0 to 1

constexpr int THREADS = 256;

constexpr float LINEAR_BELOW = 0.008856f, SRGB_BELOW = 0.04045f;
constexpr float SRGB_OFFSET = float(0.055 / 1.055), SRGB_SCALE = float(1 / 1.055), SRGB_SLOPE = float(1 / 12.92);
constexpr float FIFTH = float(1.0 / 5), THREE_25THS = float(3.0 / 25);
constexpr float THIRD = float(1.0 / 3), TWO_NINTHS = float(2.0 / 9);
// Roots begin with a guess on the bits of a float, as color.py of the CPU says.
constexpr float CUBE_GUESS = 1419900928.0f, FIFTH_GUESS = 1277903872.0f;
// Float colours beyond are outside the mask; for Luv all that is negative is black, as color.py of the CPU says.
constexpr float LOWEST = -0.5f, LOWEST_LUV = 0.0f, HIGHEST = 1.5f;

struct Color {
    float red, green, blue;  // in linear light
};

// Undo the sRGB curve. What is below `lowest`, or far above white, becomes black.
__device__ __forceinline__ float linear(PIXEL channel, const float* table, float lowest) {
    if constexpr (WHOLE) return table[int(channel)];
    float value = float(channel);
    if (!(value >= lowest && value <= HIGHEST)) value = 0.0f;
    if (!(value > SRGB_BELOW)) return value * SRGB_SLOPE;
    float t = value * SRGB_SCALE + SRGB_OFFSET, s = t * t;
    float y = __int_as_float(int(FIFTH_GUESS - float(__float_as_int(s)) * FIFTH));
#pragma unroll
    for (int step = 0; step < 2; step++) {
        float h = 1.0f - s * (y * y) * (y * y) * y;
        y += y * h * (FIFTH + THREE_25THS * h);
    }
    return s * s * (y * y) * (y * y);
}

__device__ __forceinline__ Color color_of(const PIXEL* pixel, const float* table, float lowest) {
    return {linear(pixel[0], table, lowest), linear(pixel[1], table, lowest), linear(pixel[2], table, lowest)};
}

__device__ __forceinline__ float mixed(const float* row, const Color& color) {
    return row[0] * color.red + row[1] * color.green + row[2] * color.blue;
}

__device__ __forceinline__ float cube_root(float value) {
    float x = fmaxf(value, LINEAR_BELOW);
    float y = __int_as_float(int(CUBE_GUESS - float(__float_as_int(x)) * THIRD));
#pragma unroll
    for (int step = 0; step < 2; step++) {
        float h = 1.0f - x * y * y * y;
        y += y * h * (THIRD + TWO_NINTHS * h);
    }
    return x * y * y;
}

__device__ __forceinline__ float root(float ratio) {
    return ratio > LINEAR_BELOW ? cube_root(ratio) : 7.787f * ratio + float(16.0 / 116);
}

__device__ __forceinline__ void write(float* out, long long n_pixels, long long at, float a, float b, float c) {
    out[at] = a;
    out[n_pixels + at] = b;
    out[2 * n_pixels + at] = c;
}

// `image` (n_pixels, 3), `out` (3, n_pixels); `numbers` are the rows of the matrix relative to white, then those of the
// matrix, then u and v of white; `table` has the linear light of whole numbers.
extern "C" __global__ void __launch_bounds__(THREADS)
    lab(const PIXEL* image, long long n_pixels, const float* numbers, const float* table, float* out) {
    long long at = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (at >= n_pixels) return;
    Color color = color_of(image + 3 * at, table, LOWEST);
    float fx = root(mixed(numbers, color)), fy = root(mixed(numbers + 3, color)), fz = root(mixed(numbers + 6, color));
    write(out, n_pixels, at, 116.0f * fy - 16.0f, 500.0f * (fx - fy), 200.0f * (fy - fz));
}

extern "C" __global__ void __launch_bounds__(THREADS)
    luv(const PIXEL* image, long long n_pixels, const float* numbers, const float* table, float* out) {
    long long at = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (at >= n_pixels) return;
    Color color = color_of(image + 3 * at, table, LOWEST_LUV);
    const float *matrix = numbers + 9, *white = numbers + 18;
    float x = mixed(matrix, color), y = mixed(matrix + 3, color), z = mixed(matrix + 6, color);
    float scale = 1.0f / fmaxf(x + 15.0f * y + 3.0f * z, 1e-12f);  // black has no hue
    float lightness = y > LINEAR_BELOW ? 116.0f * cube_root(y) - 16.0f : 903.3f * y;
    write(out, n_pixels, at, lightness, 13.0f * lightness * (4.0f * x * scale - white[0]),
          13.0f * lightness * (9.0f * y * scale - white[1]));
}
