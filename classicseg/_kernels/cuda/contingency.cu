// The joint histogram of two label images. A warp walks along its stretch of pixels, 32 at a time, so that reads are
// of neighbours; equal pairs side by side, of which label images mostly consist, are added to memory once.
//
// Compile-time constants, set by contingency.py:
//   LABEL_TRUE, LABEL_PRED  types of the labels

constexpr int THREADS = 256;
constexpr unsigned ALL = 0xffffffffu;

// `labels_true` and `labels_pred` (n_pixels), `counts` (rows, n_pred) zeroed; a warp counts `per_warp` pixels.
extern "C" __global__ void joint_counts(const LABEL_TRUE* labels_true, const LABEL_PRED* labels_pred, long long n_pixels,
                                        long long per_warp, long long low_true, long long low_pred, long long n_pred,
                                        unsigned long long* counts) {
    int lane = threadIdx.x % 32;
    long long warp = ((long long)blockIdx.x * THREADS + threadIdx.x) / 32;
    long long start = warp * per_warp, stop = start + per_warp < n_pixels ? start + per_warp : n_pixels;
    long long kept = -1;            // the cell that the warp adds to later,
    unsigned long long n_kept = 0;  // and by how much
    for (long long at = start; at < stop; at += 32) {
        bool inside = at + lane < stop;
        long long cell = -1;
        if (inside) {
            cell = ((long long)labels_true[at + lane] - low_true) * n_pred + (long long)labels_pred[at + lane] - low_pred;
        }
        long long before = __shfl_up_sync(ALL, cell, 1);
        bool first = lane == 0 || cell != before;
        unsigned firsts = __ballot_sync(ALL, first);
        if (firsts == 1 && kept == cell) {
            n_kept += 32;
            continue;
        }
        if (kept >= 0 && lane == 0) atomicAdd(counts + kept, n_kept);
        kept = -1;
        if (firsts == 1) {
            kept = cell;
            n_kept = 32;
            continue;
        }
        if (first && inside) {
            unsigned later = firsts >> lane >> 1;  // where the next run of the warp begins
            atomicAdd(counts + cell, (unsigned long long)(later ? __ffs(later) : 32 - lane));
        }
    }
    if (kept >= 0 && lane == 0) atomicAdd(counts + kept, n_kept);
}
