// The scheduler behind cudasim.h: runs the threads of one block as fibers, block after block.
//
// Each round resumes every thread that can run, in forward, reverse or random order; a missing barrier then gives
// another result in at least one of them. In random order an atomic operation waits a round first, in which the other
// threads go on: a loop of compare-and-swap meets what they wrote. Shared memory is poisoned before each block, so that a kernel which relies
// on a value of an earlier block, or of an earlier launch, is seen too. What CUDA leaves undefined (a barrier that
// some threads of the block never reach, lanes that wait with different masks) ends the launch with a message.
#include "cudasim.h"

#include <cstdlib>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif
#if !defined(__x86_64__) && !defined(CUDASIM_UCONTEXT)
#define CUDASIM_UCONTEXT
#endif
#ifdef CUDASIM_UCONTEXT
#include <ucontext.h>
#endif

extern "C" char __start_cudasim_shared[] __attribute__((weak, visibility("hidden")));
extern "C" char __stop_cudasim_shared[] __attribute__((weak, visibility("hidden")));

namespace cudasim {

Thread* current = nullptr;
uint3 block;
dim3 block_size, grid_size;
int vote_or, vote_and, vote_count;

namespace {

constexpr size_t STACK = 64 << 10;
constexpr int POISON = 0xCD;

#ifdef CUDASIM_UCONTEXT
struct Context {
    ucontext_t at;
};
void switch_to(Context& from, Context& to) { swapcontext(&from.at, &to.at); }
void prepare(Context& context, char* stack, void (*entry)()) {
    getcontext(&context.at);
    context.at.uc_stack.ss_sp = stack;
    context.at.uc_stack.ss_size = STACK;
    context.at.uc_link = nullptr;
    makecontext(&context.at, entry, 0);
}
#else
// Only what the x86-64 calling convention lets a callee change without saving it needs no saving here either.
struct Context {
    void* at;
};
extern "C" void cudasim_switch(void** from, void* to);
asm(R"(
.text
.local cudasim_switch
.type cudasim_switch,@function
cudasim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size cudasim_switch,.-cudasim_switch
)");
void switch_to(Context& from, Context& to) { cudasim_switch(&from.at, to.at); }
void prepare(Context& context, char* stack, void (*entry)()) {
    void** top = reinterpret_cast<void**>((reinterpret_cast<uintptr_t>(stack) + STACK) & ~uintptr_t(15));
    *--top = nullptr;  // entry starts as if called: the stack is 16-byte aligned before the return address
    *--top = reinterpret_cast<void*>(entry);
    for (int saved = 0; saved < 6; saved++) *--top = nullptr;
    context.at = top;
}
#endif

enum State { READY, AT_BLOCK_BARRIER, AT_WARP_BARRIER, DONE };

struct Fiber : Thread {
    Context context;
    State state;
    unsigned mask;
    char* stack = nullptr;
};

std::vector<Fiber> fibers;
std::vector<unsigned> turns;
std::vector<uint64_t> slots;
Context scheduler;
unsigned n_threads, n_done;
int sum_or, sum_and, sum_count;
char* shared_start;
const char* failure;
void (*kernel_body)(void*);
void* kernel_argument;
uint64_t random_state;
bool random_order;

Fiber& me() { return *static_cast<Fiber*>(current); }
void yield() { switch_to(me().context, scheduler); }

void fail(const char* message) {
    if (!failure) failure = message;
    for (;;) yield();  // never resumed: the launch ends, and with it this fiber
}

void entry() {
    kernel_body(kernel_argument);
    me().state = DONE;
    n_done++;
    yield();
    std::abort();
}

unsigned warp_mask(unsigned first) {
    unsigned n = n_threads - first;
    return n >= 32 ? ~0u : (1u << n) - 1;
}

// Release every group of lanes that all wait at a warp barrier with the mask that names the group.
bool release_warps() {
    bool released = false;
    for (unsigned first = 0; first < n_threads; first += 32) {
        unsigned full = warp_mask(first), waiting = 0;
        for (unsigned lane = 0; lane < 32 && first + lane < n_threads; lane++)
            if (fibers[first + lane].state == AT_WARP_BARRIER) waiting |= 1u << lane;
        for (unsigned lane = 0; lane < 32 && first + lane < n_threads; lane++) {
            if (!(waiting >> lane & 1)) continue;
            unsigned group = fibers[first + lane].mask & full;
            if ((waiting & group) != group) continue;
            for (unsigned other = 0; other < 32; other++) {
                if (!(group >> other & 1)) continue;
                if ((fibers[first + other].mask & full) != group) {
                    failure = "lanes of a warp wait with different masks";
                    return false;
                }
                fibers[first + other].state = READY;
            }
            waiting &= ~group;
            released = true;
        }
    }
    return released;
}

bool release_block() {
    unsigned waiting = 0;
    for (unsigned i = 0; i < n_threads; i++) waiting += fibers[i].state == AT_BLOCK_BARRIER;
    if (waiting == 0 || waiting + n_done != n_threads) return false;
    if (n_done) {
        failure = "__syncthreads() after some threads of the block have returned";
        return false;
    }
    vote_or = sum_or, vote_and = sum_and, vote_count = sum_count;
    sum_or = 0, sum_and = 1, sum_count = 0;
    for (unsigned i = 0; i < n_threads; i++) fibers[i].state = READY;
    return true;
}

void shuffle_turns() {
    for (unsigned i = n_threads - 1; i; i--) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        std::swap(turns[i], turns[random_state % (i + 1)]);
    }
}

void run_block(unsigned order) {
    for (unsigned i = 0; i < n_threads; i++) {
        Fiber& fiber = fibers[i];
        fiber.linear = i;
        fiber.index = {i % block_size.x, i / block_size.x % block_size.y, i / (block_size.x * block_size.y)};
        fiber.state = READY;
        if (!fiber.stack) fiber.stack = static_cast<char*>(std::malloc(STACK));
#if defined(__SANITIZE_ADDRESS__)
        __asan_unpoison_memory_region(fiber.stack, STACK);  // frames of the last block that never returned
#endif
        prepare(fiber.context, fiber.stack, entry);
        turns[i] = order == 1 ? n_threads - 1 - i : i;
    }
    n_done = 0;
    sum_or = 0, sum_and = 1, sum_count = 0;
    while (n_done < n_threads) {
        if (order > 1) shuffle_turns();
        bool ran = false;
        for (unsigned turn = 0; turn < n_threads && !failure; turn++) {
            Fiber& fiber = fibers[turns[turn]];
            if (fiber.state != READY) continue;
            ran = true;
            current = &fiber;
            switch_to(scheduler, fiber.context);
        }
        if (failure) return;
        bool released = release_warps();
        released = release_block() || released;
        if (failure) return;
        if (!ran && !released) {
            failure = "deadlock: some threads wait at a barrier that the others never reach";
            return;
        }
    }
}

}  // namespace

void block_barrier(int predicate) {
    sum_or |= predicate != 0;
    sum_and &= predicate != 0;
    sum_count += predicate != 0;
    me().state = AT_BLOCK_BARRIER;
    yield();
}

void warp_barrier(unsigned mask) {
    if (!(mask >> lane() & 1)) fail("a lane calls a warp function with a mask that leaves it out");
    me().mask = mask;
    me().state = AT_WARP_BARRIER;
    yield();
}

void give_way() {
    if (random_order) yield();
}

uint64_t* warp_slots() { return &slots[current->linear & ~31u]; }
bool warp_has(unsigned lane) { return (current->linear & ~31u) + lane < n_threads; }
void* dynamic_shared() { return shared_start; }

// order: 0 forward, 1 reverse, any other a seed of random orders. Returns null, or what went wrong.
const char* launch(const unsigned* d, size_t shared_bytes, unsigned order, void (*body)(void*), void* argument) {
    grid_size = {d[0], d[1], d[2]};
    block_size = {d[3], d[4], d[5]};
    n_threads = d[3] * d[4] * d[5];
    if (fibers.size() < n_threads) fibers.resize(n_threads);
    turns.resize(n_threads);
    slots.assign((n_threads + 31) & ~31u, 0);
    kernel_body = body, kernel_argument = argument;
    failure = nullptr;
    random_order = order > 1;
    random_state = order * 0x9E3779B97F4A7C15ull + 1;
    unsigned long n_blocks = static_cast<unsigned long>(d[0]) * d[1] * d[2];
    for (unsigned long i = 0; i < n_blocks && !failure; i++) {
        unsigned long at = order == 1 ? n_blocks - 1 - i : i;
        block = {unsigned(at % d[0]), unsigned(at / d[0] % d[1]), unsigned(at / d[0] / d[1])};
        shared_start = static_cast<char*>(std::malloc(shared_bytes));  // exactly: AddressSanitizer sees its ends
        std::memset(shared_start, POISON, shared_bytes);
        if (__start_cudasim_shared)
            std::memset(__start_cudasim_shared, POISON, __stop_cudasim_shared - __start_cudasim_shared);
        run_block(order);
        std::free(shared_start);
    }
    return failure;
}

}  // namespace cudasim
