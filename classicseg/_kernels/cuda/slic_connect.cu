// Connected segments of bounded size: large parts are cut, small ones join a neighbour, as the CPU's twin says.
//
// A warp walks over a part breadth first, 32 pixels of the queue at a time, and gets the order of one walker that looks
// at one pixel after the other, to its right, left, below and above: `order` holds for every pixel that was reached the
// place in the queue, times 4, and the side from which it was reached, and the lowest wins.

constexpr int THREADS = 128, WARPS = THREADS / 32;
constexpr unsigned ALL = 0xffffffffu;
constexpr int NEVER = 0x7fffffff;  // in `order`

struct Shape {
    int n_pixels, n_cols;

    // The pixel to the right, left, below or above, -1 beyond the image.
    __device__ __forceinline__ int beside(int at, int side) const {
        int col = at % n_cols;
        if (side == 0) return col < n_cols - 1 ? at + 1 : -1;
        if (side == 1) return col > 0 ? at - 1 : -1;
        if (side == 2) return at < n_pixels - n_cols ? at + n_cols : -1;
        return at - n_cols;  // negative above the first row
    }
};

// The sum over the lanes up to this one.
__device__ __forceinline__ int up_to(int value) {
#pragma unroll
    for (int by = 1; by < 32; by *= 2) {
        int other = __shfl_up_sync(ALL, value, by);
        if (threadIdx.x % 32 >= by) value += other;
    }
    return value;
}

// Walk from `start` over the pixels of its number in `image`, at most `limit`, which `queue` gets; return how many. Of
// this number `done` pixels were reached by earlier walks. `met`, if there is one, gets the numbers above 0 around them,
// as often as they are met, in the order of the walk.
__device__ __forceinline__ int walk(const Shape& shape, const int* image, int start, int limit, int done, int* order,
                                    int* queue, int* met) {
    int lane = threadIdx.x % 32, own = image[start], size = 1;
    if (lane == 0) queue[0] = start, order[start] = 0;
    __syncwarp();
    for (int seen = 0; seen < size && size < limit;) {
        int n = min(32, size - seen), earlier = 4 * (done + seen), code = earlier + 4 * lane;
        int at = lane < n ? queue[seen + lane] : 0, other[4];
        unsigned wanted = 0, around = 0;
#pragma unroll
        for (int side = 0; side < 4; side++) {
            other[side] = lane < n ? shape.beside(at, side) : -1;
            if (other[side] < 0) continue;
            int its = image[other[side]];
            if (its == own && order[other[side]] >= earlier) {
                atomicMin(order + other[side], code + side);
                wanted |= 1u << side;
            }
            if (its != own && its > 0) around |= 1u << side;
        }
        __syncwarp();
        unsigned won = 0;
#pragma unroll
        for (int side = 0; side < 4; side++) {
            if ((wanted >> side & 1) && order[other[side]] == code + side) won |= 1u << side;
        }
        int last = up_to(__popc(won)), place = size + last - __popc(won);
#pragma unroll
        for (int side = 0; side < 4; side++) {
            if (!(won >> side & 1)) continue;
            if (place < limit) queue[place] = other[side];
            if (place >= limit) order[other[side]] = NEVER;  // it is left for the next walk
            place++;
        }
        if (met) {
            int last_met = up_to(__popc(around));
            int* next = met + last_met - __popc(around);
#pragma unroll
            for (int side = 0; side < 4; side++) {
                if (around >> side & 1) *next++ = image[other[side]];
            }
            met += __shfl_sync(ALL, last_met, 31);
        }
        size = min(limit, size + __shfl_sync(ALL, last, 31));
        seen += n;
        __syncwarp();
    }
    return size;
}

__device__ __forceinline__ int own_warp() { return blockIdx.x * WARPS + threadIdx.x / 32; }

// Add the pixels of each region to `area` at its root; runs side by side are added once.
extern "C" __global__ void __launch_bounds__(THREADS) measure(const int* roots, int n_pixels, int* area) {
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    int lane = threadIdx.x % 32, own = i < n_pixels ? roots[i] : -1;
    int before = __shfl_up_sync(ALL, own, 1);
    bool first = lane == 0 || own != before;
    unsigned later = __ballot_sync(ALL, first) & ~(ALL >> (31 - lane));  // the runs that begin after this lane
    if (first && own >= 0) atomicAdd(area + own, (later ? __ffs(int(later)) - 1 : 32) - lane);
}

// Cut the regions whose roots are listed in `large` into pieces of `max_size` pixels, each with a root of its own.
// `places` says where each has its part of `queue`; `order` is NEVER everywhere.
extern "C" __global__ void __launch_bounds__(THREADS)
    cut(const int* large, const int* places, int n_large, int n_pixels, int n_cols, int max_size, int* roots,
        int* firsts, int* area, int* order, int* queue) {
    int w = own_warp(), lane = threadIdx.x % 32;
    if (w >= n_large) return;
    Shape shape{n_pixels, n_cols};
    int root = large[w], left = area[root], done = 0, start = root;
    queue += places[w];
    for (;;) {
        int size = walk(shape, roots, start, max_size, done, order, queue, nullptr);
        for (int i = lane; i < size; i += 32) roots[queue[i]] = start;
        if (lane == 0) area[start] = size, firsts[start] = 1;
        __syncwarp();
        done += size, left -= size;
        if (left <= 0) return;
        unsigned found = 0;  // pixels that were not reached; the next piece begins at the first
        for (start++; found == 0; start += 32) {
            int i = min(start + lane, n_pixels - 1);
            found = __ballot_sync(ALL, roots[i] == root && order[i] == NEVER);
        }
        start += __ffs(int(found)) - 33;
    }
}

// Count for each small part the sides of its pixels behind which another part lies.
extern "C" __global__ void __launch_bounds__(THREADS)
    count_sides(const int* parts, const int* area, int n_pixels, int n_cols, int min_size, int* sides) {
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (i >= n_pixels || parts[i] == 0 || area[parts[i]] >= min_size) return;
    Shape shape{n_pixels, n_cols};
    int count = 0;
#pragma unroll
    for (int side = 0; side < 4; side++) {
        int other = shape.beside(int(i), side);
        count += other >= 0 && parts[other] > 0 && parts[other] != parts[i];
    }
    if (count > 0) atomicAdd(sides + parts[i], count);
}

// Write the numbers around each small part, in the order in which a walk meets them, up to the place `ends` of `met`.
extern "C" __global__ void __launch_bounds__(THREADS)
    meet(const int* parts, const int* small, const int* places, int n_small, const int* first, const int* sides,
         const int* ends, int n_pixels, int n_cols, int* order, int* queue, int* met) {
    int w = own_warp();
    if (w >= n_small) return;
    int part = small[w];
    walk(Shape{n_pixels, n_cols}, parts, first[part], NEVER, 0, order, queue + places[w],
         met + ends[part] - sides[part]);
}

// The shortest way where no pixel is outside: then every part but the first has met one before it, and that has a number
// by the time it is asked. Each part points at the one whose number it takes, the large ones and the first at themselves.
extern "C" __global__ void __launch_bounds__(THREADS)
    point(const int* area, const int* sides, const int* ends, const int* met, int n, int min_size, int* parents) {
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (i > n) return;
    int part = int(i), at = ends[part] - 1;
    bool own = part <= 1 || area[part] >= min_size;
    while (!own && met[at] > part) at--;
    parents[part] = own ? part : met[at];
}

// `ranks` counts the large parts up to each; those that end at a small one, the first, have the number of the first
// large one.
extern "C" __global__ void __launch_bounds__(THREADS)
    follow(const int* parents, const int* ranks, int n, int* label) {
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (i > n) return;
    int part = int(i);
    while (parents[part] != part) part = parents[part];
    label[i] = part == 0 ? 0 : max(1, ranks[part]);
}

// The parts, and what was found of them; each array has a place for 0, which is outside.
struct Parts {
    const int *area, *sides, *ends, *met;  // numbers around part p are met[ends[p] - sides[p]] to met[ends[p]]
    int n, min_size;
    int *label, *group, *label_of, *touched, *stack;
};

__device__ int label_now(const Parts& parts, int part) {
    return parts.label[part] > 0 ? parts.label[part] : parts.label_of[parts.group[part]];
}

// Give `label` to a part without one and to all such parts that hang together with it.
__device__ void flood(const Parts& parts, int part, int label) {
    int depth = 1;
    parts.label[part] = label, parts.stack[0] = part;
    while (depth > 0) {
        int at = parts.stack[--depth];
        for (int i = parts.ends[at] - parts.sides[at]; i < parts.ends[at]; i++) {
            int other = parts.met[i];
            if (parts.label[other] > 0) continue;
            parts.label[other] = label, parts.stack[depth++] = other;
        }
    }
}

// Give every part the number of its segment: a large one its own, a small one that of the last part before it that its
// walk met and that has one. Others wait, in groups, for the first large part that one of the newest group meets; when
// others intervene they join any segment around them, and one another if there is none. One thread: parts are few, and
// each depends on those before it.
extern "C" __global__ void __launch_bounds__(THREADS)
    join_small(const int* area, const int* sides, const int* ends, const int* met, int n, int min_size, int* label,
               int* group, int* label_of, int* touched, int* stack) {
    if (blockIdx.x + threadIdx.x > 0) return;
    Parts parts{area, sides, ends, met, n, min_size, label, group, label_of, touched, stack};
    int count = 0, newest = 0;
    for (int part = 1; part <= n; part++) {
        if (area[part] >= min_size) {
            label[part] = ++count;
            if (newest > 0 && touched[part] == newest && label_of[newest] == 0) label_of[newest] = count;
            continue;
        }
        int begin = ends[part] - sides[part], found = 0;
        bool waits = false;
        for (int i = ends[part] - 1; i >= begin && found == 0; i--) {
            if (met[i] > part) continue;
            found = label_now(parts, met[i]);
            waits |= group[met[i]] == newest;
        }
        label[part] = found;
        if (found > 0) continue;
        newest += !waits;
        group[part] = newest;
        for (int i = begin; i < ends[part]; i++) {
            if (met[i] > part) touched[met[i]] = newest;
        }
    }
    for (int part = 1; part <= n && newest > 0; part++) label[part] = label_now(parts, part);
    for (int alone = 0; alone < 2 && newest > 0; alone++) {
        for (int part = 1; part <= n; part++) {
            if (label[part] > 0) continue;
            int found = 0;
            for (int i = ends[part] - 1; i >= ends[part] - sides[part] && found == 0; i--) found = label[met[i]];
            if (found == 0 && alone) found = ++count;
            if (found > 0) flood(parts, part, found);
        }
    }
    int n_found = 0;  // segments are numbered by their first part
    for (int i = 0; i <= count; i++) touched[i] = 0;
    for (int part = 1; part <= n; part++) {
        int& number = touched[label[part]];
        if (number == 0) number = ++n_found;
        label[part] = number;
    }
}

// Parts become labels, in place; what is outside becomes the number before the first.
extern "C" __global__ void __launch_bounds__(THREADS)
    relabel(const int* label, int n_pixels, int start_label, int* parts) {
    long long i = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    if (i < n_pixels) parts[i] = label[parts[i]] + start_label - 1;
}
