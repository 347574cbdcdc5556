// Kernels with one mistake each, which the emulator must find, beside the same kernel without it.

// Reverses 64 numbers through shared memory.
extern "C" __global__ void reverse(const int* numbers, int* reversed) {
    __shared__ int tile[64];
    tile[threadIdx.x] = numbers[threadIdx.x];
#ifndef NO_BARRIER
    __syncthreads();
#endif
    reversed[threadIdx.x] = tile[63 - threadIdx.x];
}

// The sum of 32 numbers by halves of a dynamic shared array.
extern "C" __global__ void tree_sum(const int* numbers, int* total) {
    extern __shared__ int tree[];
    tree[threadIdx.x] = numbers[threadIdx.x];
    for (int half = 16; half; half /= 2) {
#ifndef NO_BARRIER
        __syncthreads();
#endif
        if (threadIdx.x < half) tree[threadIdx.x] += tree[threadIdx.x + half];
    }
    if (threadIdx.x == 0) *total = tree[0];
}

// Shared memory that nobody has set: a count relies on zeros, and on a block finding what the last one left.
extern "C" __global__ void count_positive(const int* numbers, int* count) {
    __shared__ int found;
#ifndef NOT_SET
    if (threadIdx.x == 0) found = 0;
    __syncthreads();
#endif
    if (numbers[blockIdx.x * blockDim.x + threadIdx.x] > 0) atomicAdd(&found, 1);
    __syncthreads();
    if (threadIdx.x == 0) count[blockIdx.x] = found;
}

// Counts the threads by compare-and-swap: another thread may be faster, and what it wrote is seen then.
extern "C" __global__ void count_by_swap(int* count) {
    int seen = *count;
    for (;;) {
        int old = atomicCAS(count, seen, seen + 1);
#ifdef NO_SECOND_TRY
        return;
#endif
        if (old == seen) return;
        seen = old;
    }
}

// Sums and differences of bytes.
extern "C" __global__ void bytes(const unsigned* one, const unsigned* other, unsigned* out) {
    out[2 * threadIdx.x] = __dp4a(one[threadIdx.x], other[threadIdx.x], 7u);
    out[2 * threadIdx.x + 1] = __vabsdiffu4(one[threadIdx.x], other[threadIdx.x]);
}

// Doubles n numbers, one per thread.
extern "C" __global__ void twice(const int* numbers, int* doubled, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
#ifdef OUT_OF_RANGE
    if (i <= n) doubled[i] = 2 * numbers[min(i, n - 1)];
#else
    if (i < n) doubled[i] = 2 * numbers[i];
#endif
}

// Writes past the end of shared memory, static and dynamic.
extern "C" __global__ void past_shared(int* out, int at) {
    __shared__ int own[8];
    extern __shared__ int given[];
#ifdef OUT_OF_STATIC
    own[at] = at;
#else
    own[0] = at;
#endif
#ifdef OUT_OF_DYNAMIC
    given[at] = at;
#else
    given[0] = at;
#endif
    out[0] = own[0] + given[0];
}

// A barrier that part of the block never reaches, and lanes that disagree about who takes part.
extern "C" __global__ void early_return(int* out) {
    if (threadIdx.x < 5) return;
    __syncthreads();
    out[threadIdx.x] = 1;
}
extern "C" __global__ void divergent(int* out) {
    if (threadIdx.x < 5)
        __syncwarp();
    else
        __syncthreads();
    out[threadIdx.x] = 1;
}
extern "C" __global__ void masks_differ(int* out) { out[threadIdx.x] = __popc(__ballot_sync(threadIdx.x < 5 ? 0x3fu : ~0u, 1)); }
extern "C" __global__ void left_out(int* out) { out[threadIdx.x] = __popc(__ballot_sync(1u, 1)); }

// Every warp and block function once, with values a test knows.
extern "C" __global__ void warp_functions(const int* numbers, int* out) {
    int lane = threadIdx.x & 31, value = numbers[threadIdx.x];
    int* row = out + threadIdx.x * 12;
    row[0] = __shfl_sync(~0u, value, 3);
    row[1] = __shfl_xor_sync(~0u, value, 5);
    row[2] = __shfl_down_sync(~0u, value, 2);
    row[3] = __shfl_up_sync(~0u, value, 2);
    row[4] = __ballot_sync(~0u, value > 0);
    row[5] = __reduce_add_sync(~0u, value);
    row[6] = __any_sync(~0u, value > 40);
    row[7] = __all_sync(~0u, value > -100);
    row[8] = __shfl_down_sync(~0u, value, 1, 8);
    unsigned half = lane < 16 ? 0xffffu : 0xffff0000u;
    row[9] = __reduce_add_sync(half, value);
    row[10] = __syncthreads_count(value > 0);
    row[11] = 2 * __syncthreads_and(value > -100) + __syncthreads_or(value == 7);
}
