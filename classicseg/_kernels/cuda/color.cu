// RGB (sRGB) to CIE Lab and Luv, for the D65 white point and the 2° observer. One thread per pixel: three channels are
// read once, three floats are written, in rows of their own so that neighbours write side by side.
//
// Compile-time constants, set by color.py:
//   PIXEL    type of a channel: unsigned char, unsigned short, float or double
//   HIGHEST  what a channel holds at its brightest, 0 for floats, which range over 0 to 1

constexpr int THREADS = 256;

// Curve, matrix and white point are those of the CPU's twin.
constexpr float X_WHITE = 0.95047f, Z_WHITE = 1.08883f;
constexpr float WHITE_SUM = X_WHITE + 15.0f + 3.0f * Z_WHITE;
constexpr float U_WHITE = 4.0f * X_WHITE / WHITE_SUM, V_WHITE = 9.0f / WHITE_SUM;
constexpr float LINEAR_BELOW = 0.008856f;
// Float colours beyond are outside the mask; for Luv all that is negative is black, as color.py of the CPU says.
constexpr float LOWEST = -0.5f, LOWEST_LUV = 0.0f, HIGHEST_FLOAT = 1.5f;

struct Color {
    float x, y, z;
};

// What is below `lowest`, or far above white, becomes black.
__device__ __forceinline__ float linear(PIXEL channel, float lowest) {
    float value = HIGHEST ? float(channel) / float(HIGHEST ? HIGHEST : 1) : float(channel);
    if (!(value >= lowest && value <= HIGHEST_FLOAT)) value = 0.0f;
    return value > 0.04045f ? powf((value + 0.055f) / 1.055f, 2.4f) : value / 12.92f;
}

__device__ __forceinline__ Color xyz(const PIXEL* pixel, float lowest) {
    float r = linear(pixel[0], lowest), g = linear(pixel[1], lowest), b = linear(pixel[2], lowest);
    return {0.412453f * r + 0.357580f * g + 0.180423f * b, 0.212671f * r + 0.715160f * g + 0.072169f * b,
            0.019334f * r + 0.119193f * g + 0.950227f * b};
}

__device__ __forceinline__ float root(float ratio) {
    return ratio > LINEAR_BELOW ? cbrtf(ratio) : 7.787f * ratio + 16.0f / 116.0f;
}

__device__ __forceinline__ void write(float* out, long long n_pixels, long long at, float a, float b, float c) {
    out[at] = a;
    out[n_pixels + at] = b;
    out[2 * n_pixels + at] = c;
}

// `image` (n_pixels, 3), `out` (3, n_pixels).
extern "C" __global__ void lab(const PIXEL* image, long long n_pixels, float* out) {
    long long at = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (at >= n_pixels) return;
    Color color = xyz(image + 3 * at, LOWEST);
    float fx = root(color.x / X_WHITE), fy = root(color.y), fz = root(color.z / Z_WHITE);
    write(out, n_pixels, at, 116.0f * fy - 16.0f, 500.0f * (fx - fy), 200.0f * (fy - fz));
}

extern "C" __global__ void luv(const PIXEL* image, long long n_pixels, float* out) {
    long long at = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (at >= n_pixels) return;
    Color color = xyz(image + 3 * at, LOWEST_LUV);
    float lightness = color.y > LINEAR_BELOW ? 116.0f * cbrtf(color.y) - 16.0f : 903.3f * color.y;
    float scale = 1.0f / fmaxf(color.x + 15.0f * color.y + 3.0f * color.z, 1e-12f);  // black has no hue
    write(out, n_pixels, at, lightness, 13.0f * lightness * (4.0f * color.x * scale - U_WHITE),
          13.0f * lightness * (9.0f * color.y * scale - V_WHITE));
}
