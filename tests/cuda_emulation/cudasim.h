// The part of CUDA C++ that the package's kernels use, for g++: the same text then runs on the CPU.
//
// A block's threads are fibers on one operating-system thread (see cudasim.cpp). A barrier or a warp function hands
// control to the scheduler, which resumes the waiting fibers in an order the test chooses. Blocks run one by one.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__ static
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#ifdef CUDASIM_SANITIZE  // AddressSanitizer guards a plain static variable, and none in a named section
#define __shared__ static
#else  // all static shared memory in one section, which is poisoned before each block
#define __shared__ static __attribute__((section("cudasim_shared")))
#endif

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
};

struct alignas(16) float4 {
    float x, y, z, w;
};

namespace cudasim {

struct Thread {
    uint3 index;
    unsigned linear;
};

extern Thread* current;  // the thread that runs now
extern uint3 block;
extern dim3 block_size, grid_size;
extern int vote_or, vote_and, vote_count;  // results of the last __syncthreads_or and its kin

void block_barrier(int predicate);
void warp_barrier(unsigned mask);
void give_way();
uint64_t* warp_slots();  // 32 values that the lanes of the current warp exchange through
bool warp_has(unsigned lane);
void* dynamic_shared();

const char* launch(const unsigned* dimensions, size_t shared_bytes, unsigned order, void (*body)(void*), void* argument);

inline unsigned lane() { return current->linear & 31; }

// Every lane of the mask publishes a value, and reads the others' between two barriers.
template <class T>
void publish(unsigned mask, T value) {
    static_assert(sizeof(T) <= 8, "a warp exchanges at most 8 bytes per lane");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    warp_slots()[lane()] = bits;
    warp_barrier(mask);
}

template <class T>
T published(unsigned from) {
    T value;
    std::memcpy(&value, &warp_slots()[from], sizeof value);
    return value;
}

template <class T>
T exchange(unsigned mask, T value, int from) {
    publish(mask, value);
    bool valid = from >= 0 && from < 32 && (mask >> from & 1) && warp_has(from);
    T result = published<T>(valid ? from : lane());
    warp_barrier(mask);
    return result;
}

template <class T, class Combine>
T reduce(unsigned mask, T value, Combine combine) {
    publish(mask, value);
    bool first = true;
    T result{};
    for (unsigned from = 0; from < 32; from++) {
        if (!(mask >> from & 1) || !warp_has(from)) continue;
        result = first ? published<T>(from) : combine(result, published<T>(from));
        first = false;
    }
    warp_barrier(mask);
    return result;
}

// A kernel's parameters as text, one word each: "*" and the pointee's code, or the code of a value.
template <class T>
constexpr const char* code() {
    using U = std::remove_cv_t<T>;
    if (std::is_same_v<U, float>) return "f4";
    if (std::is_same_v<U, double>) return "f8";
    if (std::is_same_v<U, bool>) return "b1";
    if (std::is_integral_v<U>) {
        const char* is_signed[] = {"", "i1", "i2", "", "i4", "", "", "", "i8"};
        const char* is_unsigned[] = {"", "u1", "u2", "", "u4", "", "", "", "u8"};
        return std::is_signed_v<U> ? is_signed[sizeof(U)] : is_unsigned[sizeof(U)];
    }
    return "?";
}

template <class T>
void append(char*& at) {
    if (std::is_pointer_v<T>) *at++ = '*';
    for (const char* from = code<std::remove_pointer_t<T>>(); *from; from++) *at++ = *from;
    *at++ = ' ';
}

template <class... A>
const char* signature(void (*)(A...)) {
    static char text[8 * (sizeof...(A) + 1)];
    char* at = text;
    (append<A>(at), ...);
    *at = 0;
    return text;
}

template <class... A>
struct Call {
    void (*kernel)(A...);
    void** arguments;
    template <size_t... I>
    void run(std::index_sequence<I...>) const { kernel(*static_cast<A*>(arguments[I])...); }
};

template <class... A>
const char* start(void (*kernel)(A...), const unsigned* dimensions, size_t shared_bytes, void** arguments,
                  unsigned order) {
    Call<A...> call{kernel, arguments};
    auto body = [](void* it) { static_cast<Call<A...>*>(it)->run(std::index_sequence_for<A...>{}); };
    return launch(dimensions, shared_bytes, order, body, &call);
}

}  // namespace cudasim

#define threadIdx (cudasim::current->index)
#define blockIdx (cudasim::block)
#define blockDim (cudasim::block_size)
#define gridDim (cudasim::grid_size)
constexpr int warpSize = 32;

inline void __syncthreads() { cudasim::block_barrier(0); }
inline int __syncthreads_or(int predicate) { return cudasim::block_barrier(predicate), cudasim::vote_or; }
inline int __syncthreads_and(int predicate) { return cudasim::block_barrier(predicate), cudasim::vote_and; }
inline int __syncthreads_count(int predicate) { return cudasim::block_barrier(predicate), cudasim::vote_count; }
inline void __syncwarp(unsigned mask = ~0u) { cudasim::warp_barrier(mask); }
inline void __threadfence() {}
inline void __threadfence_block() {}

template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32) {
    return cudasim::exchange(mask, value, int(cudasim::lane() & ~(width - 1)) | (from & (width - 1)));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
    int from = int(cudasim::lane()) ^ bits;
    return cudasim::exchange(mask, value, (from ^ int(cudasim::lane())) < width ? from : int(cudasim::lane()));
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, int by, int width = 32) {
    int from = int(cudasim::lane() & (width - 1)) + by;
    return cudasim::exchange(mask, value, from < width ? int(cudasim::lane()) + by : int(cudasim::lane()));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, int by, int width = 32) {
    int from = int(cudasim::lane() & (width - 1)) - by;
    return cudasim::exchange(mask, value, from >= 0 ? int(cudasim::lane()) - by : int(cudasim::lane()));
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    return cudasim::reduce(mask, predicate ? 1u << cudasim::lane() : 0u, [](unsigned a, unsigned b) { return a | b; });
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
inline unsigned __reduce_add_sync(unsigned mask, unsigned value) {
    return cudasim::reduce(mask, value, [](unsigned a, unsigned b) { return a + b; });
}
inline int __reduce_add_sync(unsigned mask, int value) { return int(__reduce_add_sync(mask, unsigned(value))); }

// One thread runs at a time, so a plain read-modify-write is atomic. In random order the other threads have a turn
// before it, so that what a thread has read may be old by then. CUDA has these for the types below only.
template <class T>
T atomicAdd(T* at, T value) {
    static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned> || std::is_same_v<T, unsigned long long> ||
                      std::is_same_v<T, float> || std::is_same_v<T, double>,
                  "CUDA has no atomicAdd of this type");
    cudasim::give_way();
    T old = *at;
    *at = old + value;
    return old;
}
template <class T>
T atomicMax(T* at, T value) {
    static_assert(std::is_integral_v<T> && sizeof(T) >= 4, "CUDA has no atomicMax of this type");
    cudasim::give_way();
    T old = *at;
    if (value > old) *at = value;
    return old;
}
template <class T>
T atomicMin(T* at, T value) {
    static_assert(std::is_integral_v<T> && sizeof(T) >= 4, "CUDA has no atomicMin of this type");
    cudasim::give_way();
    T old = *at;
    if (value < old) *at = value;
    return old;
}
template <class T>
T atomicOr(T* at, T value) {
    cudasim::give_way();
    T old = *at;
    *at = old | value;
    return old;
}
template <class T>
T atomicExch(T* at, T value) {
    cudasim::give_way();
    T old = *at;
    *at = value;
    return old;
}
template <class T>
T atomicCAS(T* at, T expected, T value) {
    cudasim::give_way();
    T old = *at;
    if (old == expected) *at = value;
    return old;
}

template <class T>
T __ldg(const T* at) { return *at; }
template <class T>
T min(T a, T b) { return b < a ? b : a; }
template <class T>
T max(T a, T b) { return a < b ? b : a; }
// Sums and differences of the four bytes of a word, unsigned.
inline unsigned __dp4a(unsigned a, unsigned b, unsigned sum) {
    for (int byte = 0; byte < 32; byte += 8) sum += (a >> byte & 0xff) * (b >> byte & 0xff);
    return sum;
}
inline unsigned __vabsdiffu4(unsigned a, unsigned b) {
    unsigned apart = 0;
    for (int byte = 0; byte < 32; byte += 8) {
        int difference = int(a >> byte & 0xff) - int(b >> byte & 0xff);
        apart |= unsigned(difference < 0 ? -difference : difference) << byte;
    }
    return apart;
}
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline int __clz(int bits) { return bits ? __builtin_clz(bits) : 32; }
inline int __float_as_int(float value) {
    int bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline float __int_as_float(int bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
inline long long __double_as_longlong(double value) {
    long long bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline double __longlong_as_double(long long bits) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
using std::fabs;
using std::isfinite;
using std::sqrt;
