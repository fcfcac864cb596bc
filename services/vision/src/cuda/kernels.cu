// What a GPU computes between the matrix products, in bf16 with sums in f32.
//
// Where keys and values lie: every sequence has a table of `width` words of 8 bytes: address, capacity and length of its
// prefix, then the addresses of its blocks of BLOCK positions each. Behind every address stand the keys and the values of
// all layers, (layers, 2, kv heads, capacity, head). A row is a word too: its sequence in the upper half, its position in
// the lower one; a position of NOWHERE means that nothing is computed for the row.

#include <cuda_bf16.h>
#include <stdint.h>

typedef __nv_bfloat16 bf16;
typedef unsigned long long word;

#define BLOCK 64
#define NOWHERE 0xffffffffu
#define LOG2E 1.4426950408889634f
#define NORM_EPSILON 1e-5f
// Size of a head of the text decoder; a quarter of it are the pairs that are rotated.
#define HEAD 64
#define PAIRS 16
// Lower than any score.
#define NEVER -1e30f

// Kernels of a step may start while the one before them still runs. They fetch weights, and wait here before they touch
// what it writes. Older GPUs than Hopper start them one after the other.
static __device__ __forceinline__ void wait_for_previous() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaGridDependencySynchronize();
#endif
}

// From here on the next kernel may start, as soon as all blocks of this one have.
static __device__ __forceinline__ void let_next_start() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaTriggerProgrammaticLaunchCompletion();
#endif
}

static __device__ __forceinline__ float low(uint32_t two) { return __uint_as_float(two << 16); }
static __device__ __forceinline__ float high(uint32_t two) { return __uint_as_float(two & 0xffff0000u); }

static __device__ __forceinline__ void widen(const uint4& eight, float* out) {
    out[0] = low(eight.x), out[1] = high(eight.x), out[2] = low(eight.y), out[3] = high(eight.y);
    out[4] = low(eight.z), out[5] = high(eight.z), out[6] = low(eight.w), out[7] = high(eight.w);
}

static __device__ __forceinline__ uint32_t narrow2(float first, float second) {
    __nv_bfloat162 two = __floats2bfloat162_rn(first, second);
    return *reinterpret_cast<uint32_t*>(&two);
}

static __device__ __forceinline__ uint4 narrow(const float* in) {
    return make_uint4(narrow2(in[0], in[1]), narrow2(in[2], in[3]), narrow2(in[4], in[5]), narrow2(in[6], in[7]));
}

static __device__ __forceinline__ float gelu(float x) {
    return 0.5f * x * (1.0f + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x)));
}

static __device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

// The key (kind 0) or value (kind 1) of a position.
static __device__ __forceinline__ bf16* place(const word* table, int layer, int kv_heads, int head, int kind, int number,
                                              int position) {
    int prefix = (int)table[2];
    bool in_prefix = position < prefix;
    int own = position - prefix;
    word base = in_prefix ? table[0] : table[3 + own / BLOCK];
    int capacity = in_prefix ? (int)table[1] : BLOCK;
    int at = in_prefix ? position : own % BLOCK;
    return reinterpret_cast<bf16*>(base) + ((size_t)((layer * 2 + kind) * kv_heads + number) * capacity + at) * head;
}

// ---------------------------------------------------------------------------------------------------------------------
// Rows
// ---------------------------------------------------------------------------------------------------------------------

// One warp for each row of `dim` numbers, a multiple of 8.
extern "C" __global__ void layer_norm(const bf16* __restrict__ x, const bf16* __restrict__ weight,
                                      const bf16* __restrict__ bias, bf16* __restrict__ out, int rows, int dim) {
    int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    const uint4* from = reinterpret_cast<const uint4*>(x + (size_t)row * dim);
    uint4* to = reinterpret_cast<uint4*>(out + (size_t)row * dim);
    float values[8], sum = 0;
    for (int i = lane; i < dim / 8; i += 32) {
        widen(from[i], values);
#pragma unroll
        for (int e = 0; e < 8; e++) sum += values[e];
    }
    float mean = warp_sum(sum) / dim;
    sum = 0;
    for (int i = lane; i < dim / 8; i += 32) {
        widen(from[i], values);
#pragma unroll
        for (int e = 0; e < 8; e++) sum += (values[e] - mean) * (values[e] - mean);
    }
    float scale = rsqrtf(warp_sum(sum) / dim + NORM_EPSILON);
    for (int i = lane; i < dim / 8; i += 32) {
        float w[8], b[8];
        widen(from[i], values);
        widen(reinterpret_cast<const uint4*>(weight)[i], w);
        widen(reinterpret_cast<const uint4*>(bias)[i], b);
#pragma unroll
        for (int e = 0; e < 8; e++) values[e] = (values[e] - mean) * scale * w[e] + b[e];
        to[i] = narrow(values);
    }
}

// Vectors of tokens; rows of the token NOWHERE stay as they are.
extern "C" __global__ void embed(const bf16* __restrict__ table, const word* __restrict__ ids, bf16* __restrict__ x, int dim) {
    let_next_start();
    wait_for_previous();
    word id = ids[blockIdx.x];
    if (id == NOWHERE) return;
    const uint4* from = reinterpret_cast<const uint4*>(table + (size_t)id * dim);
    uint4* to = reinterpret_cast<uint4*>(x + (size_t)blockIdx.x * dim);
    for (int i = threadIdx.x; i < dim / 8; i += blockDim.x) to[i] = from[i];
}

// Every crop's rows begin as the embeddings of their positions. `numbers` of one crop, a multiple of 8.
extern "C" __global__ void begin_crops(const bf16* __restrict__ positions, bf16* __restrict__ x, int numbers) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= numbers / 8) return;
    reinterpret_cast<uint4*>(x + (size_t)blockIdx.y * numbers)[i] = reinterpret_cast<const uint4*>(positions)[i];
}

// Pixels (crops, side, side, 3) to rows of patches, each ordered channel, row, column, scaled to -1..1 and filled with
// zeros to `width`. One block for each patch.
extern "C" __global__ void patches(const uint8_t* __restrict__ pixels, bf16* __restrict__ rows, int side, int patch, int width) {
    int grid = side / patch, number = blockIdx.x, crop = blockIdx.y;
    int top = number / grid * patch, left = number % grid * patch;
    const uint8_t* from = pixels + (size_t)crop * side * side * 3;
    bf16* to = rows + ((size_t)crop * grid * grid + number) * width;
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        float value = 0;
        if (i < 3 * patch * patch) {
            int channel = i / (patch * patch), row = i / patch % patch, column = i % patch;
            value = (from[((size_t)(top + row) * side + left + column) * 3 + channel] / 255.0f - 0.5f) / 0.5f;
        }
        to[i] = __float2bfloat16(value);
    }
}

// What the projection reads of one picture: for every patch the whole picture's features, then those of the local crops,
// stitched without their margins and averaged from floor(i n / grid) to ceil((i + 1) n / grid). `features` are the
// picture's crops (1 + tiles, grid * grid, dim). One block for each patch.
extern "C" __global__ void join_crops(const bf16* __restrict__ features, bf16* __restrict__ out, int grid, int dim, int margin,
                                      int tile_rows, int tile_columns) {
    int row = blockIdx.x / grid, column = blockIdx.x % grid;
    bf16* to = out + (size_t)blockIdx.x * 2 * dim;
    int inner = grid - 2 * margin;
    int rows = tile_rows == 1 ? grid : tile_rows * inner + 2 * margin;
    int columns = tile_columns == 1 ? grid : tile_columns * inner + 2 * margin;
    int top = row * rows / grid, bottom = ((row + 1) * rows + grid - 1) / grid;
    int left = column * columns / grid, right = ((column + 1) * columns + grid - 1) / grid;
    for (int e = threadIdx.x; e < dim; e += blockDim.x) {
        to[e] = features[(size_t)blockIdx.x * dim + e];
        float sum = 0;
        for (int r = top; r < bottom; r++) {
            int tile_row = tile_rows == 1 ? 0 : min(max((r - margin) / inner, 0), tile_rows - 1);
            for (int c = left; c < right; c++) {
                int tile_column = tile_columns == 1 ? 0 : min(max((c - margin) / inner, 0), tile_columns - 1);
                int tile = 1 + tile_row * tile_columns + tile_column;
                int patch = (r - tile_row * inner) * grid + c - tile_column * inner;
                sum += __bfloat162float(features[((size_t)tile * grid * grid + patch) * dim + e]);
            }
        }
        to[dim + e] = __float2bfloat16(sum / ((bottom - top) * (right - left)));
    }
}

// Adds the bias to logits and finds the first of the largest that is not banned, two tokens at most. NOWHERE where a
// logit is no number or the largest is infinite. One block of 1024 threads for each row.
extern "C" __global__ void decide(float* __restrict__ logits, const bf16* __restrict__ bias, const word* __restrict__ banned,
                                  uint32_t* __restrict__ chosen, int vocabulary) {
    __shared__ float largest[32];
    __shared__ uint32_t tokens[32];
    __shared__ int damaged;
    wait_for_previous();
    if (threadIdx.x == 0) damaged = 0;
    __syncthreads();
    float* row = logits + (size_t)blockIdx.x * vocabulary;
    word pair = banned[blockIdx.x];
    uint32_t one = (uint32_t)pair, other = (uint32_t)(pair >> 32), best = NOWHERE;
    float most = -INFINITY;
    for (uint32_t i = threadIdx.x; i < vocabulary; i += blockDim.x) {
        float value = row[i] + __bfloat162float(bias[i]);
        row[i] = value;
        if (isnan(value)) damaged = 1;
        if (value > most && i != one && i != other) most = value, best = i;
    }
    for (int step = 16; step > 0; step /= 2) {
        float value = __shfl_xor_sync(0xffffffffu, most, step);
        uint32_t token = __shfl_xor_sync(0xffffffffu, best, step);
        if (value > most || (value == most && token < best)) most = value, best = token;
    }
    if (threadIdx.x % 32 == 0) largest[threadIdx.x / 32] = most, tokens[threadIdx.x / 32] = best;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < blockDim.x / 32; i++) {
            if (largest[i] > most || (largest[i] == most && tokens[i] < best)) most = largest[i], best = tokens[i];
        }
        chosen[blockIdx.x] = damaged || isinf(most) ? NOWHERE : best;
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Keys and values
// ---------------------------------------------------------------------------------------------------------------------

// Rotates queries and keys of each row of `qkv` in place, and stores its keys and values. One block for each row.
extern "C" __global__ void rotate_and_store(bf16* __restrict__ qkv, const float* __restrict__ cosines,
                                            const float* __restrict__ sines, const word* __restrict__ tables, int width,
                                            const word* __restrict__ rows, int layer, int heads, int kv_heads) {
    word row = rows[blockIdx.x];
    uint32_t position = (uint32_t)row;
    if (position == NOWHERE) return;
    const word* table = tables + (size_t)(row >> 32) * width;
    bf16* line = qkv + (size_t)blockIdx.x * (heads + 2 * kv_heads) * HEAD;
    for (int i = threadIdx.x; i < (heads + kv_heads) * PAIRS; i += blockDim.x) {
        bf16* pair = line + i / PAIRS * HEAD + i % PAIRS;
        float c = cosines[position * PAIRS + i % PAIRS], s = sines[position * PAIRS + i % PAIRS];
        float real = __bfloat162float(pair[0]), imaginary = __bfloat162float(pair[PAIRS]);
        pair[0] = __float2bfloat16(real * c - imaginary * s);
        pair[PAIRS] = __float2bfloat16(real * s + imaginary * c);
    }
    __syncthreads();
    int vectors = kv_heads * HEAD / 8;
    for (int i = threadIdx.x; i < 2 * vectors; i += blockDim.x) {
        int kind = i / vectors, at = i % vectors * 8;
        bf16* to = place(table, layer, kv_heads, HEAD, kind, at / HEAD, position) + at % HEAD;
        *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(line + (heads + kind * kv_heads) * HEAD + at);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Attention of many rows, on the units for small matrix products
// ---------------------------------------------------------------------------------------------------------------------

static __device__ __forceinline__ void copy_later(bf16* to, const bf16* from, bool is_there) {
    uint32_t address = (uint32_t)__cvta_generic_to_shared(to);
    int bytes = is_there ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(address), "l"(from), "r"(bytes));
}

static __device__ __forceinline__ void load_four(uint32_t* out, const bf16* from) {
    uint32_t address = (uint32_t)__cvta_generic_to_shared(from);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address));
}

static __device__ __forceinline__ void load_four_turned(uint32_t* out, const bf16* from) {
    uint32_t address = (uint32_t)__cvta_generic_to_shared(from);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address));
}

static __device__ __forceinline__ void multiply(float* sum, const uint32_t* a, const uint32_t* b) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

static __device__ __forceinline__ float power(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// Keys and values of a crop are columns of its rows.
struct Columns {
    static constexpr bool FIXED = true;
    const bf16* keys;
    const bf16* values;
    int stride;
    __device__ __forceinline__ const bf16* at(int kind, int position) const {
        return (kind ? values : keys) + (size_t)position * stride;
    }
};

// Those of a sequence lie in the cache.
struct Cached {
    static constexpr bool FIXED = false;
    const word* table;
    int layer, kv_heads, number;
    __device__ __forceinline__ const bf16* at(int kind, int position) const {
        return place(table, layer, kv_heads, HEAD, kind, number, position);
    }
};

// Keys of a tile.
#define TILE 64

template <int PADDED, class Source>
static __device__ __forceinline__ void load_tile(bf16* to, const Source& source, int kind, int first, int count, int head, const int2* offsets) {
    constexpr int WIDTH = PADDED + 8, CHUNKS = PADDED / 8;
    if (Source::FIXED && first + TILE <= count) {
        const bf16* from = source.at(kind, first);
#pragma unroll
        for (int j = 0; j < TILE * CHUNKS / 128; j++) copy_later(to + offsets[j].x, from + offsets[j].y, offsets[j].y >= 0);
        return;
    }
#pragma unroll
    for (int i = threadIdx.x; i < TILE * CHUNKS; i += 128) {
        int row = i / CHUNKS, column = i % CHUNKS * 8;
        bool is_there = first + row < count && column < head;
        const bf16* from = source.at(kind, is_there ? first + row : 0) + (is_there ? column : 0);
        copy_later(to + row * WIDTH + column, from, is_there);
    }
}

// Attention of 64 * PARTS queries of one head, of which `count` are there, over `keys` keys. Each of four warps has
// 16 * PARTS queries. `position` is the first query's; where `causal`, a query sees no key behind its own position.
// Heads are filled with zeros from `head` to PADDED. Shared memory: (64 * PARTS + 4 * TILE) * (PADDED + 8) numbers.
template <int PADDED, int PARTS, class Source>
static __device__ __forceinline__ void attend(const bf16* queries, int query_stride, bf16* out, int out_stride, int count,
                                              int keys, int position, bool causal, int head, float scale,
                                              const Source& source) {
    constexpr int WIDTH = PADDED + 8, CHUNKS = PADDED / 8, STEPS = PADDED / 16, COLUMNS = PADDED / 8;
    extern __shared__ __align__(16) unsigned char shared[];
    bf16* q = reinterpret_cast<bf16*>(shared);
    bf16* k = q + 64 * PARTS * WIDTH;
    bf16* v = k + 2 * TILE * WIDTH;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int last = causal ? min(keys, position + count) : keys;

    for (int i = threadIdx.x; i < 64 * PARTS * CHUNKS; i += 128) {
        int row = i / CHUNKS, column = i % CHUNKS * 8;
        bool is_there = row < count && column < head;
        copy_later(q + row * WIDTH + column, queries + (is_there ? (size_t)row * query_stride + column : 0), is_there);
    }
    int2 offsets[TILE * CHUNKS / 128];
#pragma unroll
    for (int j = 0; j < TILE * CHUNKS / 128; j++) {
        int i = threadIdx.x + 128 * j, row = i / CHUNKS, column = i % CHUNKS * 8;
        offsets[j] = make_int2(row * WIDTH + column, column < head ? row * (Source::FIXED ? query_stride : 0) + column : -1);
    }
    load_tile<PADDED>(k, source, 0, 0, last, head, offsets);
    load_tile<PADDED>(v, source, 1, 0, last, head, offsets);
    asm volatile("cp.async.commit_group;\n");

    uint32_t a[PARTS][STEPS][4];
    float sums[PARTS][COLUMNS][4] = {};
    float most[PARTS][2], total[PARTS][2];
    int visible[PARTS][2];
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int row = (warp * PARTS + part) * 16 + lane / 4 + 8 * half;
            most[part][half] = NEVER, total[part][half] = 0;
            visible[part][half] = causal ? min(last, position + row + 1) : last;
        }
    }
    int tiles = (last + TILE - 1) / TILE;
    for (int tile = 0; tile < tiles; tile++) {
        bf16* tile_k = k + tile % 2 * TILE * WIDTH;
        bf16* tile_v = v + tile % 2 * TILE * WIDTH;
        asm volatile("cp.async.wait_all;\n");
        // Here all have this tile, and nobody needs the one before, where the next one goes.
        __syncthreads();
        if (tile + 1 < tiles) {
            load_tile<PADDED>(k + (tile + 1) % 2 * TILE * WIDTH, source, 0, (tile + 1) * TILE, last, head, offsets);
            load_tile<PADDED>(v + (tile + 1) % 2 * TILE * WIDTH, source, 1, (tile + 1) * TILE, last, head, offsets);
        }
        if (tile == 0) {
#pragma unroll
            for (int part = 0; part < PARTS; part++)
#pragma unroll
                for (int step = 0; step < STEPS; step++)
                    load_four(a[part][step], q + ((warp * PARTS + part) * 16 + lane % 16) * WIDTH + step * 16 + lane / 16 * 8);
        }

        float scores[PARTS][TILE / 8][4] = {};
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
#pragma unroll
            for (int pair = 0; pair < TILE / 16; pair++) {
                uint32_t b[4];
                load_four(b, tile_k + (pair * 16 + lane / 16 * 8 + lane % 8) * WIDTH + step * 16 + lane / 8 % 2 * 8);
#pragma unroll
                for (int part = 0; part < PARTS; part++) {
                    multiply(scores[part][2 * pair], a[part][step], b);
                    multiply(scores[part][2 * pair + 1], a[part][step], b + 2);
                }
            }
        }

        uint32_t weights[PARTS][TILE / 16][4];
#pragma unroll
        for (int part = 0; part < PARTS; part++) {
            float largest[2] = {most[part][0], most[part][1]};
            if ((tile + 1) * TILE > min(visible[part][0], visible[part][1])) {
#pragma unroll
                for (int n = 0; n < TILE / 8; n++)
#pragma unroll
                    for (int e = 0; e < 4; e++) {
                        int key = tile * TILE + n * 8 + lane % 4 * 2 + e % 2;
                        if (key >= visible[part][e / 2]) scores[part][n][e] = NEVER;
                    }
            }
#pragma unroll
            for (int n = 0; n < TILE / 8; n++)
#pragma unroll
                for (int e = 0; e < 4; e++) largest[e / 2] = fmaxf(largest[e / 2], scores[part][n][e]);
#pragma unroll
            for (int half = 0; half < 2; half++) {
                largest[half] = fmaxf(largest[half], __shfl_xor_sync(0xffffffffu, largest[half], 1));
                largest[half] = fmaxf(largest[half], __shfl_xor_sync(0xffffffffu, largest[half], 2));
            }
            // Sums are scaled anew only where a larger score has come, which later tiles seldom have.
            bool grows = largest[0] > most[part][0] || largest[1] > most[part][1];
            if (__any_sync(0xffffffffu, grows)) {
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    float shrink = power((most[part][half] - largest[half]) * scale);
                    most[part][half] = largest[half];
                    total[part][half] *= shrink;
#pragma unroll
                    for (int n = 0; n < COLUMNS; n++) {
                        sums[part][n][2 * half] *= shrink;
                        sums[part][n][2 * half + 1] *= shrink;
                    }
                }
            }
            float offsets[2] = {largest[0] * scale, largest[1] * scale};
#pragma unroll
            for (int n = 0; n < TILE / 8; n++) {
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    scores[part][n][e] = power(scores[part][n][e] * scale - offsets[e / 2]);
                    total[part][e / 2] += scores[part][n][e];
                }
                weights[part][n / 2][n % 2 * 2] = narrow2(scores[part][n][0], scores[part][n][1]);
                weights[part][n / 2][n % 2 * 2 + 1] = narrow2(scores[part][n][2], scores[part][n][3]);
            }
        }
#pragma unroll
        for (int step = 0; step < TILE / 16; step++) {
#pragma unroll
            for (int pair = 0; pair < STEPS; pair++) {
                uint32_t b[4];
                load_four_turned(b, tile_v + (step * 16 + lane / 8 % 2 * 8 + lane % 8) * WIDTH + pair * 16 + lane / 16 * 8);
#pragma unroll
                for (int part = 0; part < PARTS; part++) {
                    multiply(sums[part][2 * pair], weights[part][step], b);
                    multiply(sums[part][2 * pair + 1], weights[part][step], b + 2);
                }
            }
        }
    }
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float sum = total[part][half];
            sum += __shfl_xor_sync(0xffffffffu, sum, 1);
            sum += __shfl_xor_sync(0xffffffffu, sum, 2);
            int row = (warp * PARTS + part) * 16 + lane / 4 + 8 * half;
            if (row >= count) continue;
            float share = 1.0f / sum;
#pragma unroll
            for (int n = 0; n < COLUMNS; n++) {
                int column = n * 8 + lane % 4 * 2;
                if (column >= head) continue;
                uint32_t two = narrow2(sums[part][n][2 * half] * share, sums[part][n][2 * half + 1] * share);
                *reinterpret_cast<uint32_t*>(out + (size_t)row * out_stride + column) = two;
            }
        }
    }
}

// Attention of every crop's patches over all of that crop's patches. Grid: tiles of 128 queries, heads, crops.
template <int PADDED>
static __device__ __forceinline__ void attend_crop(const bf16* qkv, bf16* out, int patches, int heads, int head) {
    int first = blockIdx.x * 128, dim = heads * head;
    const bf16* crop = qkv + (size_t)blockIdx.z * patches * 3 * dim + blockIdx.y * head;
    bf16* to = out + ((size_t)blockIdx.z * patches + first) * dim + blockIdx.y * head;
    Columns source = {crop + dim, crop + 2 * dim, 3 * dim};
    attend<PADDED, 2>(crop + (size_t)first * 3 * dim, 3 * dim, to, dim, min(128, patches - first), patches, 0, false, head,
                      rsqrtf((float)head) * LOG2E, source);
}

#define ATTEND_CROP(PADDED)                                                                                                \
    extern "C" __global__ void __launch_bounds__(128, 2)                                                                  \
        attend_crop_##PADDED(const bf16* qkv, bf16* out, int patches, int heads, int head) {                              \
        attend_crop<PADDED>(qkv, out, patches, heads, head);                                                              \
    }
ATTEND_CROP(16)
ATTEND_CROP(32)
ATTEND_CROP(64)
ATTEND_CROP(80)
ATTEND_CROP(128)

// Attention of rows of several sequences over their caches, which hold the rows' own keys and values already. A tile is
// three words: first row and sequence; number of rows and whether they see no row behind themselves; first position and
// number of keys; the first of each in the upper half. Grid: tiles, heads.
template <int PARTS>
static __device__ __forceinline__ void attend_sequence(const bf16* qkv, bf16* out, const word* tables, int width,
                                                       const word* tiles, int layer, int heads, int kv_heads) {
    const word* tile = tiles + (size_t)blockIdx.x * 3;
    size_t row = tile[0] >> 32;
    int stride = (heads + 2 * kv_heads) * HEAD, number = blockIdx.y;
    Cached source = {tables + (size_t)(uint32_t)tile[0] * width, layer, kv_heads, number / (heads / kv_heads)};
    attend<HEAD, PARTS>(qkv + row * stride + number * HEAD, stride, out + (row * heads + number) * HEAD, heads * HEAD,
                        (int)(tile[1] >> 32), (int)(uint32_t)tile[2], (int)(tile[2] >> 32), (uint32_t)tile[1] != 0, HEAD,
                        rsqrtf((float)HEAD) * LOG2E, source);
}

extern "C" __global__ void __launch_bounds__(128, 3)
    attend_rows_64(const bf16* qkv, bf16* out, const word* tables, int width, const word* tiles, int layer, int heads,
                   int kv_heads) {
    attend_sequence<1>(qkv, out, tables, width, tiles, layer, heads, kv_heads);
}

extern "C" __global__ void __launch_bounds__(128, 2)
    attend_rows_128(const bf16* qkv, bf16* out, const word* tables, int width, const word* tiles, int layer, int heads,
                    int kv_heads) {
    attend_sequence<2>(qkv, out, tables, width, tiles, layer, heads, kv_heads);
}

// ---------------------------------------------------------------------------------------------------------------------
// Attention of one row for each sequence
// ---------------------------------------------------------------------------------------------------------------------

// Eight numbers of a head, from `lane` * 8 on, rotated, and rounded as if they had been stored.
static __device__ __forceinline__ void rotated(const bf16* head, int lane, const float* cosines, const float* sines, float* out) {
    float own[8];
    widen(reinterpret_cast<const uint4*>(head)[lane], own);
    if (lane < 2 * PAIRS / 8) {
        bool is_real = lane < PAIRS / 8;
        int pair = lane % (PAIRS / 8);
        float other[8];
        widen(reinterpret_cast<const uint4*>(head)[is_real ? lane + PAIRS / 8 : lane - PAIRS / 8], other);
#pragma unroll
        for (int e = 0; e < 8; e++) {
            float c = cosines[pair * 8 + e], s = sines[pair * 8 + e];
            own[e] = own[e] * c + (is_real ? -other[e] : other[e]) * s;
        }
    }
    uint4 stored = narrow(own);
    widen(stored, out);
}

// Rotates and stores the keys and values of one row of each sequence, and attends to `share` positions of it: eight lanes
// have a key. Leaves for each row, head and share the largest score (times the scale), the sum of weights and the 64
// weighted sums. Grid: heads, rows, shares; 128 threads.
extern "C" __global__ void __launch_bounds__(128)
    attend_one(const bf16* __restrict__ qkv, float* __restrict__ partial, const float* __restrict__ cosines,
               const float* __restrict__ sines, const word* __restrict__ tables, int width, const word* __restrict__ rows,
               int layer, int heads, int kv_heads, int share) {
    let_next_start();
    wait_for_previous();
    constexpr int AHEAD = 4;
    int number = blockIdx.x;
    word row = rows[blockIdx.y];
    uint32_t position = (uint32_t)row;
    int first = blockIdx.z * share;
    if (position == NOWHERE || first > (int)position) return;
    int before = min(first + share, (int)position);
    const word* table = tables + (size_t)(row >> 32) * width;
    int group = heads / kv_heads, kv = number / group;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, part = lane % 8, which = lane / 8;
    const bf16* line = qkv + (size_t)blockIdx.y * (heads + 2 * kv_heads) * HEAD;
    cosines += (size_t)position * PAIRS, sines += (size_t)position * PAIRS;

    float q[8];
    rotated(line + number * HEAD, part, cosines, sines, q);
    float scale = rsqrtf((float)HEAD) * LOG2E;
#pragma unroll
    for (int e = 0; e < 8; e++) q[e] *= scale;

    float most = NEVER, total = 0, sums[8] = {};
    for (int at = first + warp * 4; at < before; at += 16 * AHEAD) {
        uint4 keys[AHEAD], values[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            int key = at + which + 16 * i;
            if (key < before) {
                keys[i] = reinterpret_cast<const uint4*>(place(table, layer, kv_heads, HEAD, 0, kv, key))[part];
                values[i] = reinterpret_cast<const uint4*>(place(table, layer, kv_heads, HEAD, 1, kv, key))[part];
            } else {
                keys[i] = values[i] = make_uint4(0, 0, 0, 0);
            }
        }
        float scores[AHEAD], largest = most;
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            float numbers[8], score = 0;
            widen(keys[i], numbers);
#pragma unroll
            for (int e = 0; e < 8; e++) score += q[e] * numbers[e];
            score += __shfl_xor_sync(0xffffffffu, score, 1);
            score += __shfl_xor_sync(0xffffffffu, score, 2);
            score += __shfl_xor_sync(0xffffffffu, score, 4);
            scores[i] = at + which + 16 * i < before ? score : NEVER;
            largest = fmaxf(largest, scores[i]);
        }
        float shrink = power(most - largest);
        most = largest, total *= shrink;
#pragma unroll
        for (int e = 0; e < 8; e++) sums[e] *= shrink;
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            float weight = at + which + 16 * i < before ? power(scores[i] - most) : 0, numbers[8];
            widen(values[i], numbers);
            total += weight;
#pragma unroll
            for (int e = 0; e < 8; e++) sums[e] += weight * numbers[e];
        }
    }
    // The row's own key is not in the cache yet.
    if (warp == 0 && first + share > (int)position) {
        float key[8], value[8], score = 0;
        rotated(line + (heads + kv) * HEAD, part, cosines, sines, key);
        uint4 stored = reinterpret_cast<const uint4*>(line + (heads + kv_heads + kv) * HEAD)[part];
        widen(stored, value);
        if (which == 0 && number % group == 0) {
            reinterpret_cast<uint4*>(place(table, layer, kv_heads, HEAD, 0, kv, position))[part] = narrow(key);
            reinterpret_cast<uint4*>(place(table, layer, kv_heads, HEAD, 1, kv, position))[part] = stored;
        }
#pragma unroll
        for (int e = 0; e < 8; e++) score += q[e] * key[e];
        score += __shfl_xor_sync(0xffffffffu, score, 1);
        score += __shfl_xor_sync(0xffffffffu, score, 2);
        score += __shfl_xor_sync(0xffffffffu, score, 4);
        if (which == 0) {
            float largest = fmaxf(most, score), shrink = power(most - largest), weight = power(score - largest);
            most = largest, total = total * shrink + weight;
#pragma unroll
            for (int e = 0; e < 8; e++) sums[e] = sums[e] * shrink + weight * value[e];
        }
    }
    // The four keys of a warp, then the four warps.
#pragma unroll
    for (int step = 8; step <= 16; step *= 2) {
        float largest = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, step)), shrink = power(most - largest);
        most = largest, total *= shrink;
        total += __shfl_xor_sync(0xffffffffu, total, step);
#pragma unroll
        for (int e = 0; e < 8; e++) {
            sums[e] *= shrink;
            sums[e] += __shfl_xor_sync(0xffffffffu, sums[e], step);
        }
    }
    __shared__ float of_warps[4][HEAD + 2];
    if (which == 0) {
#pragma unroll
        for (int e = 0; e < 8; e++) of_warps[warp][2 + part * 8 + e] = sums[e];
        if (part == 0) of_warps[warp][0] = most, of_warps[warp][1] = total;
    }
    __syncthreads();
    if (threadIdx.x < HEAD) {
        float largest = fmaxf(fmaxf(of_warps[0][0], of_warps[1][0]), fmaxf(of_warps[2][0], of_warps[3][0]));
        float sum = 0, all = 0;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float shrink = power(of_warps[i][0] - largest);
            all += shrink * of_warps[i][1];
            sum += shrink * of_warps[i][2 + threadIdx.x];
        }
        float* to = partial + (((size_t)blockIdx.y * heads + number) * gridDim.z + blockIdx.z) * (HEAD + 2);
        to[2 + threadIdx.x] = sum;
        if (threadIdx.x == 0) to[0] = largest, to[1] = all;
    }
}

// Puts the shares of `attend_one` together. Grid: heads, rows; 64 threads.
extern "C" __global__ void join_shares(const float* __restrict__ partial, bf16* __restrict__ out, const word* __restrict__ rows,
                                       int heads, int shares, int share) {
    let_next_start();
    wait_for_previous();
    uint32_t position = (uint32_t)rows[blockIdx.y];
    bf16* to = out + ((size_t)blockIdx.y * heads + blockIdx.x) * HEAD + threadIdx.x;
    if (position == NOWHERE) {
        *to = __float2bfloat16(0);
        return;
    }
    int count = min(shares, (int)position / share + 1);
    const float* from = partial + ((size_t)blockIdx.y * heads + blockIdx.x) * shares * (HEAD + 2);
    float most = NEVER, total = 0, sum = 0;
    for (int i = 0; i < count; i++, from += HEAD + 2) {
        float largest = fmaxf(most, from[0]), shrink = power(most - largest), weight = power(from[0] - largest);
        most = largest;
        total = total * shrink + weight * from[1];
        sum = sum * shrink + weight * from[2 + threadIdx.x];
    }
    *to = __float2bfloat16(sum / total);
}

// ---------------------------------------------------------------------------------------------------------------------
// Products of few rows with a matrix, at the speed that memory gives the matrix
// ---------------------------------------------------------------------------------------------------------------------

// Vectors of eight weights that a lane has in flight.
#define FLIGHT 8

static __device__ __forceinline__ void fetch(uint4* to, const bf16* row, int first, int count) {
#pragma unroll
    for (int i = 0; i < FLIGHT; i++) {
        int at = first + i * 32 + (threadIdx.x % 32);
        if (at < count) to[i] = __ldcs(reinterpret_cast<const uint4*>(row) + at);
        else to[i] = make_uint4(0, 0, 0, 0);
    }
}

// Adds the products of the weights in flight with `ROWS` rows of `x`, `stride` numbers apart.
template <int ROWS>
static __device__ __forceinline__ void add_products(float* sums, const uint4* weights, const bf16* x, int stride, int first,
                                                    int count) {
#pragma unroll
    for (int i = 0; i < FLIGHT; i++) {
        int at = first + i * 32 + (threadIdx.x % 32);
        if (at >= count) continue;
        float w[8];
        widen(weights[i], w);
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            float numbers[8];
            widen(reinterpret_cast<const uint4*>(x + (size_t)row * stride)[at], numbers);
#pragma unroll
            for (int e = 0; e < 8; e++) sums[row] += w[e] * numbers[e];
        }
    }
}

static __device__ __forceinline__ float block_sum(float value, float* scratch) {
    value = warp_sum(value);
    __syncthreads();
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0;
    for (int i = 0; i < blockDim.x / 32; i++) sum += scratch[i];
    return sum;
}

// Layer norm of ROWS rows of `dim` numbers, at most 2048, and their products with two matrices (n0, dim) and (n1, dim):
// the first result as it is, in bf16 with a bias or in f32 without, the second through GELU. Shared memory: ROWS * dim
// numbers. Blocks of 256 threads; each warp takes one output after the other.
template <int ROWS, bool IS_HEAD>
static __device__ __forceinline__ void norm_and_multiply(const bf16* x, const bf16* norm_weight, const bf16* norm_bias, int dim,
                                                         const bf16* w0, const bf16* b0, void* out0, int n0, const bf16* w1,
                                                         const bf16* b1, bf16* out1, int n1) {
    extern __shared__ __align__(16) unsigned char shared[];
    bf16* normed = reinterpret_cast<bf16*>(shared);
    __shared__ float scratch[8];
    int lane = threadIdx.x % 32, all = gridDim.x * 8, row = blockIdx.x * 8 + threadIdx.x / 32, vectors = dim / 8;
    auto weights_of = [&](int row) { return row < n0 ? w0 + (size_t)row * dim : w1 + (size_t)(row - n0) * dim; };
    uint4 next[FLIGHT];
    // The first weights are on their way while the kernel before ends and the rows are normed.
    let_next_start();
    if (row < n0 + n1) fetch(next, weights_of(row), 0, vectors);
    wait_for_previous();
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const uint4* from = reinterpret_cast<const uint4*>(x + (size_t)r * dim);
        float values[8] = {}, sum = 0;
        bool has = threadIdx.x < vectors;
        if (has) widen(from[threadIdx.x], values);
#pragma unroll
        for (int e = 0; e < 8; e++) sum += values[e];
        float mean = block_sum(sum, scratch) / dim;
        sum = 0;
#pragma unroll
        for (int e = 0; e < 8; e++) sum += has ? (values[e] - mean) * (values[e] - mean) : 0;
        float scale = rsqrtf(block_sum(sum, scratch) / dim + NORM_EPSILON);
        if (has) {
            float w[8], b[8];
            widen(reinterpret_cast<const uint4*>(norm_weight)[threadIdx.x], w);
            widen(reinterpret_cast<const uint4*>(norm_bias)[threadIdx.x], b);
#pragma unroll
            for (int e = 0; e < 8; e++) values[e] = (values[e] - mean) * scale * w[e] + b[e];
            reinterpret_cast<uint4*>(normed + r * dim)[threadIdx.x] = narrow(values);
        }
    }
    __syncthreads();
    for (; row < n0 + n1; row += all) {
        uint4 weights[FLIGHT];
#pragma unroll
        for (int i = 0; i < FLIGHT; i++) weights[i] = next[i];
        if (row + all < n0 + n1) fetch(next, weights_of(row + all), 0, vectors);
        float sums[ROWS] = {};
        add_products<ROWS>(sums, weights, normed, dim, 0, vectors);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            float sum = warp_sum(sums[r]);
            if (lane != 0) continue;
            if (row >= n0) {
                out1[(size_t)r * n1 + row - n0] = __float2bfloat16(gelu(sum + __bfloat162float(b1[row - n0])));
            } else if (IS_HEAD) {
                static_cast<float*>(out0)[(size_t)r * n0 + row] = sum;
            } else {
                static_cast<bf16*>(out0)[(size_t)r * n0 + row] = __float2bfloat16(sum + __bfloat162float(b0[row]));
            }
        }
    }
}

#define NORM_AND_MULTIPLY(ROWS)                                                                                            \
    extern "C" __global__ void __launch_bounds__(256)                                                                     \
        block_in_##ROWS(const bf16* x, const bf16* norm_weight, const bf16* norm_bias, int dim, const bf16* w0,           \
                        const bf16* b0, bf16* out0, int n0, const bf16* w1, const bf16* b1, bf16* out1, int n1) {         \
        norm_and_multiply<ROWS, false>(x, norm_weight, norm_bias, dim, w0, b0, out0, n0, w1, b1, out1, n1);               \
    }                                                                                                                      \
    extern "C" __global__ void __launch_bounds__(256)                                                                     \
        head_##ROWS(const bf16* x, const bf16* norm_weight, const bf16* norm_bias, int dim, const bf16* w, float* out,    \
                    int n) {                                                                                               \
        norm_and_multiply<ROWS, true>(x, norm_weight, norm_bias, dim, w, nullptr, out, n, nullptr, nullptr, nullptr, 0);  \
    }
NORM_AND_MULTIPLY(1)
NORM_AND_MULTIPLY(2)
NORM_AND_MULTIPLY(4)

// Adds to `x (ROWS, n)` the products of two inputs with their matrices, and both biases. A warp has one output. Shared
// memory: ROWS * (k0 + k1) numbers.
template <int ROWS>
static __device__ __forceinline__ void add_both(bf16* x, int n, const bf16* in0, const bf16* w0, const bf16* b0, int k0,
                                                const bf16* in1, const bf16* w1, const bf16* b1, int k1) {
    extern __shared__ __align__(16) unsigned char shared[];
    bf16* inputs = reinterpret_cast<bf16*>(shared);
    int output = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, row = min(output, n - 1), lane = threadIdx.x % 32;
    const int wide = FLIGHT * 32;
    int v0 = k0 / 8, v1 = k1 / 8, pieces0 = (v0 + wide - 1) / wide, pieces1 = (v1 + wide - 1) / wide;
    w0 += (size_t)row * k0, w1 += (size_t)row * k1;
    auto fetch_piece = [&](uint4* to, int piece) {
        if (piece < pieces0) fetch(to, w0, piece * wide, v0);
        else fetch(to, w1, (piece - pieces0) * wide, v1);
    };
    float sums[ROWS] = {};
    uint4 next[FLIGHT];
    let_next_start();
    fetch_piece(next, 0);
    wait_for_previous();
    // The inputs stand beside each other once the first weights are on their way.
    for (int i = threadIdx.x; i < ROWS * v0; i += blockDim.x)
        reinterpret_cast<uint4*>(inputs)[i] = reinterpret_cast<const uint4*>(in0)[i];
    for (int i = threadIdx.x; i < ROWS * v1; i += blockDim.x)
        reinterpret_cast<uint4*>(inputs + ROWS * k0)[i] = reinterpret_cast<const uint4*>(in1)[i];
    __syncthreads();
    for (int piece = 0; piece < pieces0 + pieces1; piece++) {
        uint4 weights[FLIGHT];
#pragma unroll
        for (int i = 0; i < FLIGHT; i++) weights[i] = next[i];
        if (piece + 1 < pieces0 + pieces1) fetch_piece(next, piece + 1);
        if (piece < pieces0) add_products<ROWS>(sums, weights, inputs, k0, piece * wide, v0);
        else add_products<ROWS>(sums, weights, inputs + ROWS * k0, k1, (piece - pieces0) * wide, v1);
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        float sum = warp_sum(sums[r]);
        if (lane != 0 || output >= n) continue;
        bf16* to = x + (size_t)r * n + row;
        *to = __float2bfloat16(__bfloat162float(*to) + sum + __bfloat162float(b0[row]) + __bfloat162float(b1[row]));
    }
}

#define ADD_BOTH(ROWS)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(512)                                                                     \
        block_out_##ROWS(bf16* x, int n, const bf16* in0, const bf16* w0, const bf16* b0, int k0, const bf16* in1,        \
                         const bf16* w1, const bf16* b1, int k1) {                                                         \
        add_both<ROWS>(x, n, in0, w0, b0, k0, in1, w1, b1, k1);                                                            \
    }
ADD_BOTH(1)
ADD_BOTH(2)
ADD_BOTH(4)
