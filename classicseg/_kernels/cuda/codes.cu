// Codes of pixels: the nearest of a few textons and of a few colours. One thread per pixel. Every operation is that of the
// CPU's twin, in the same order, so that both give the same codes.

constexpr int THREADS = 256;
constexpr unsigned char OUTSIDE = 255;  // code of a pixel outside the mask
constexpr float SIXTEENTHS = 3.0f / 16, MIDDLE = 10.0f / 16;

// The nearest of the textons (K, 5) to the squeezed jet at every pixel of a smoothed plane (M, N).
extern "C" __global__ void __launch_bounds__(THREADS)
    nearest_texton(const float* plane, const bool* mask, int masked, int n_rows, int n_cols, float sigma, float rate,
                   const float* textons, int n_textons, unsigned char* out) {
    long long at = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (at >= static_cast<long long>(n_rows) * n_cols) return;
    if (masked && !mask[at]) {
        out[at] = OUTSIDE;
        return;
    }
    int row = int(at / n_cols), col = int(at % n_cols);
    const float* mid = plane + at - col;
    const float *over = row > 0 ? mid - n_cols : mid, *under = row < n_rows - 1 ? mid + n_cols : mid;
    int left = max(col - 1, 0), right = min(col + 1, n_cols - 1);
    float square = sigma * sigma;
    float mean_left = SIXTEENTHS * (over[left] + under[left]) + MIDDLE * mid[left];
    float mean_here = SIXTEENTHS * (over[col] + under[col]) + MIDDLE * mid[col];
    float mean_right = SIXTEENTHS * (over[right] + under[right]) + MIDDLE * mid[right];
    float rise_left = under[left] - over[left], rise_here = under[col] - over[col];
    float rise_right = under[right] - over[right];
    float bend_left = (over[left] + under[left]) - 2.0f * mid[left];
    float bend_here = (over[col] + under[col]) - 2.0f * mid[col];
    float bend_right = (over[right] + under[right]) - 2.0f * mid[right];
    float dx = sigma * (0.5f * (mean_right - mean_left));
    float dy = sigma * (0.5f * (SIXTEENTHS * (rise_left + rise_right) + MIDDLE * rise_here));
    float xx = square * ((mean_left + mean_right) - 2.0f * mean_here);
    float xy = square * (0.25f * (rise_right - rise_left));
    float yy = square * (SIXTEENTHS * (bend_left + bend_right) + MIDDLE * bend_here);

    float root = sqrtf(1.0f + sqrtf(dx * dx + dy * dy + xx * xx + xy * xy + yy * yy) * rate);
    float factor = rate / ((root + 1.0f) * (sqrtf(root) + 1.0f));
    float a = dx * factor, b = dy * factor, c = xx * factor, d = xy * factor, e = yy * factor;
    float best = __int_as_float(0x7f800000);  // infinity
    int code = 0;
#pragma unroll 1
    for (int k = 0; k < n_textons; k++) {
        const float* texton = textons + 5 * k;
        float p = a - texton[0], q = b - texton[1], r = c - texton[2], s = d - texton[3], t = e - texton[4];
        float away = p * p + q * q + r * r + s * s + t * t;
        if (away < best) {
            best = away;
            code = k;
        }
    }
    out[at] = static_cast<unsigned char>(code);
}

// The colour of the palette (K, 3) that is nearest to the weighted values of each pixel of planes (3, M, N).
extern "C" __global__ void __launch_bounds__(THREADS)
    nearest_color(const float* planes, const float* weights, const float* palette, const bool* mask, int masked,
                  long long n_pixels, int n_colors, unsigned char* out) {
    long long at = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (at >= n_pixels) return;
    if (masked && !mask[at]) {
        out[at] = OUTSIDE;
        return;
    }
    float one = planes[at] * weights[0], other = planes[n_pixels + at] * weights[1];
    float third = planes[2 * n_pixels + at] * weights[2];
    float best = __int_as_float(0x7f800000);  // infinity
    int code = 0;
#pragma unroll 1
    for (int k = 0; k < n_colors; k++) {
        float x = one - palette[3 * k], y = other - palette[3 * k + 1], z = third - palette[3 * k + 2];
        float away = x * x + y * y + z * z;
        if (away < best) {
            best = away;
            code = k;
        }
    }
    out[at] = static_cast<unsigned char>(code);
}
