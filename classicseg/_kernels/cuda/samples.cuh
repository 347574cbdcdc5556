// How a kernel reads `Samples`: planes of any strides, positions, mask and weights of the frames of a batch.
//
// Compile-time constants, set by the kernel's Python side:
//   PLANES     number of planes; X, Y: 1 where the column, the row index is a feature after them
//   KINDS_LOW  two bits per plane, the first 32: 0 uint8, 1 uint16, 2 float, 3 double; KINDS_HIGH: the planes after
//   WEIGHTED   1 where samples have weights

typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned long long uint64;

constexpr int F = PLANES + X + Y;
constexpr int THREADS = 256;
constexpr int SAMPLES = F <= 5 ? 4 : F <= 16 ? 2 : 1;  // per thread at a time: what is read beside them serves all
constexpr bool INTEGER_PIXELS = ((KINDS_LOW | KINDS_HIGH) & 0xaaaaaaaaaaaaaaaaull) == 0;  // all planes
constexpr bool READ_AGAIN = F > 32 && !INTEGER_PIXELS;  // rather than keep values beside their differences
constexpr int FEATURE_UNROLL = READ_AGAIN ? 1 : F + 1;  // of loops that take each value once

// Per frame, two tables. Addresses: of each plane, its row and column stride in bytes; of the mask; of the weights.
constexpr int ADDRESSES = 3 * PLANES + 2;
// Numbers: offset and scale of each plane, gain of each feature, sum scale of each feature and of the count.
constexpr int OFFSET = 0, SCALE = PLANES, GAIN = 2 * PLANES, SUM_SCALE = GAIN + F, UNIT = SUM_SCALE + F + 1;
constexpr int NUMBERS = UNIT + 1;
// Head, made from the centers: constant part of the limit, then origin and slope of each feature. See kmeans.cu.
constexpr int ORIGIN = 1, SLOPE = 1 + F, HEAD = 1 + 2 * F;

// With few features what every sample needs stays in registers; with many there is no room, and it is read again.
constexpr bool FEW = F <= 6;
#if PLANES + X + Y <= 6
#define TABLE const
#else
#define TABLE const volatile
#endif

struct Plane {
    long long address;
    int row_stride, column_stride;
};

// What a kernel was given about one frame.
struct Frame {
    TABLE long long* addresses;
    TABLE double* numbers;
    TABLE float* head;
    const double* centers;  // (n_clusters, F)
    const float* scores;    // (n_clusters, ROW)
    int n_columns, n_clusters;
    Plane few_planes[FEW && PLANES ? PLANES : 1];
    float few_head[FEW ? HEAD : 1];

    __device__ __forceinline__ void keep() {
        if constexpr (FEW) {
#pragma unroll
            for (int c = 0; c < PLANES; c++) few_planes[c] = read_plane(c);
#pragma unroll
            for (int i = 0; i < HEAD; i++) few_head[i] = head[i];
        }
    }
    __device__ __forceinline__ Plane read_plane(int c) const {
        return {addresses[3 * c], int(addresses[3 * c + 1]), int(addresses[3 * c + 2])};
    }
    __device__ __forceinline__ Plane plane(int c) const {
        if constexpr (FEW) return few_planes[c];
        return read_plane(c);
    }
    __device__ __forceinline__ float limit() const { return FEW ? few_head[0] : head[0]; }
    __device__ __forceinline__ float origin(int f) const { return FEW ? few_head[ORIGIN + f] : head[ORIGIN + f]; }
    __device__ __forceinline__ float slope(int f) const { return FEW ? few_head[SLOPE + f] : head[SLOPE + f]; }
};

__device__ __forceinline__ int kind(int c) { return int((c < 32 ? KINDS_LOW : KINDS_HIGH) >> (2 * (c & 31))) & 3; }

// Value of plane c at a pixel: the integer itself, or the float scaled to [-1, 1].
__device__ __forceinline__ float plane_value(const Frame& frame, int c, int row, int column) {
    Plane plane = frame.plane(c);
    long long at = plane.address + static_cast<long long>(row) * plane.row_stride +
                   static_cast<long long>(column) * plane.column_stride;
    if (kind(c) == 0) return float(*reinterpret_cast<const uint8*>(at));
    if (kind(c) == 1) return float(*reinterpret_cast<const uint16*>(at));
    double x = kind(c) == 2 ? double(*reinterpret_cast<const float*>(at)) : *reinterpret_cast<const double*>(at);
    return float((x - frame.numbers[OFFSET + c]) * frame.numbers[SCALE + c]);
}

// A thread's samples: the values, and their differences from the origin. What is not used costs no register.
struct Block {
    float value[SAMPLES][F];
    float delta[SAMPLES][F];
    bool live[SAMPLES];
    int index[SAMPLES], row[SAMPLES], column[SAMPLES];

    __device__ __forceinline__ float read(const Frame& frame, int s, int f) const {
        if (f < PLANES) return plane_value(frame, f, row[s], column[s]);
        return float(X && f == PLANES ? column[s] : row[s]);
    }
    // The value again, where it is wanted after all; integers come back from the difference exactly.
    __device__ __forceinline__ float at(const Frame& frame, int s, int f) const {
        if constexpr (INTEGER_PIXELS) return delta[s][f] + frame.origin(f);
        return READ_AGAIN ? read(frame, s, f) : value[s][f];
    }
};

// Where a thread stands in the raster. A step goes THREADS samples on without dividing.
struct Cursor {
    int index, end, row, column;

    __device__ __forceinline__ Cursor(const Frame& frame, int per_block, int n_samples) {
        int first = blockIdx.x * per_block;
        index = first + int(threadIdx.x);
        end = min(first + per_block, n_samples);
        row = index / frame.n_columns;
        column = index - row * frame.n_columns;
    }
    __device__ __forceinline__ bool block_is_done() const { return index - int(threadIdx.x) >= end; }
    __device__ __forceinline__ void step(int n_columns, int rows_on, int columns_on) {
        index += THREADS;
        row += rows_on;
        column += columns_on;
        if (column >= n_columns) {
            column -= n_columns;
            row++;
        }
    }
};

__device__ __forceinline__ void read(const Frame& frame, Cursor& cursor, Block& block) {
    const uint8* mask = reinterpret_cast<const uint8*>(frame.addresses[3 * PLANES]);
    int rows_on = THREADS / frame.n_columns, columns_on = THREADS % frame.n_columns;
#pragma unroll
    for (int s = 0; s < SAMPLES; s++) {
        block.index[s] = cursor.index, block.row[s] = cursor.row, block.column[s] = cursor.column;
        block.live[s] = cursor.index < cursor.end && (mask == nullptr || mask[cursor.index]);
#pragma unroll
        for (int f = 0; f < F; f++) {
            float value = block.live[s] ? block.read(frame, s, f) : 0.0f;
            block.value[s][f] = value;
            block.delta[s][f] = value - frame.origin(f);
        }
        cursor.step(frame.n_columns, rows_on, columns_on);
    }
}

__device__ __forceinline__ double weight_of(const Frame& frame, int index) {
    if constexpr (!WEIGHTED) return 1.0;
    return reinterpret_cast<const double*>(frame.addresses[3 * PLANES + 1])[index];
}
