// Tensor-core products. The fragments are filled by hand from the layouts of the PTX manual, so that a wrong
// layout in the device cannot cancel out; product_bf16 loads them with ldmatrix.
#include "programs.h"

namespace programs {
namespace {

__device__ unsigned pair(const uint16_t* x) {
  return x[0] | static_cast<unsigned>(x[1]) << 16;
}

// Rows of a lane's fragments: group = lane / 4 and group + 8; its columns start at 2 * (lane % 4).
struct Lane {
  int group = threadIdx.x / 4, member = threadIdx.x % 4;
};

__device__ void load_c(const float* c, float (&f)[4], Lane l) {
  for (int i = 0; i < 4; ++i) f[i] = c[(l.group + i / 2 * 8) * 8 + l.member * 2 + i % 2];
}
__device__ void store_d(float* d, const float (&f)[4], Lane l) {
  for (int i = 0; i < 4; ++i) d[(l.group + i / 2 * 8) * 8 + l.member * 2 + i % 2] = f[i];
}

// 16-bit sources, k = 16: a[0..3] are (row, k), (row + 8, k), (row, k + 8), (row + 8, k + 8).
__device__ void load_a16(const uint16_t* a, unsigned (&f)[4], Lane l) {
  for (int i = 0; i < 4; ++i) f[i] = pair(a + (l.group + i % 2 * 8) * 16 + l.member * 2 + i / 2 * 8);
}
__device__ void load_b16(const uint16_t* b, unsigned (&f)[2], Lane l) {
  for (int i = 0; i < 2; ++i) f[i] = pair(b + l.group * 16 + l.member * 2 + i * 8);
}

#define MMA_4_4_2(kinds, d, a, b)                                                                 \
  asm volatile("mma.sync.aligned." kinds " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};" \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                   \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
#define MMA_4_2_1(kinds, d, a, b)                                                        \
  asm volatile("mma.sync.aligned." kinds " {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};" \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                          \
               : "r"(a[0]), "r"(a[1]), "r"(b[0]))

template <bool bf16>
__global__ void k16_kernel(const uint16_t* a, const uint16_t* b, const float* c, float* d) {
  const Lane l;
  unsigned fa[4], fb[2];
  float fc[4];
  load_a16(a, fa, l);
  load_b16(b, fb, l);
  load_c(c, fc, l);
  if constexpr (bf16)
    MMA_4_4_2("m16n8k16.row.col.f32.bf16.bf16.f32", fc, fa, fb);
  else
    MMA_4_4_2("m16n8k16.row.col.f32.f16.f16.f32", fc, fa, fb);
  store_d(d, fc, l);
}

template <bool bf16>
__global__ void k8_kernel(const uint16_t* a, const uint16_t* b, const float* c, float* d) {
  const Lane l;
  unsigned fa[2], fb[1];
  float fc[4];
  for (int i = 0; i < 2; ++i) fa[i] = pair(a + (l.group + i * 8) * 8 + l.member * 2);
  fb[0] = pair(b + l.group * 8 + l.member * 2);
  load_c(c, fc, l);
  if constexpr (bf16)
    MMA_4_2_1("m16n8k8.row.col.f32.bf16.bf16.f32", fc, fa, fb);
  else
    MMA_4_2_1("m16n8k8.row.col.f32.f16.f16.f32", fc, fa, fb);
  store_d(d, fc, l);
}

__global__ void half_kernel(const uint16_t* a, const uint16_t* b, const uint16_t* c, uint16_t* d) {
  const Lane l;
  unsigned fa[4], fb[2], fc[2];
  load_a16(a, fa, l);
  load_b16(b, fb, l);
  for (int i = 0; i < 2; ++i) fc[i] = pair(c + (l.group + i * 8) * 8 + l.member * 2);
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%0,%1};"
               : "+r"(fc[0]), "+r"(fc[1])
               : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
  for (int i = 0; i < 2; ++i) {
    d[(l.group + i * 8) * 8 + l.member * 2] = static_cast<uint16_t>(fc[i]);
    d[(l.group + i * 8) * 8 + l.member * 2 + 1] = static_cast<uint16_t>(fc[i] >> 16);
  }
}

__device__ unsigned tf32(float x) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
}

__global__ void tf32_k8_kernel(const float* a, const float* b, const float* c, float* d) {
  const Lane l;
  unsigned fa[4], fb[2];
  float fc[4];
  for (int i = 0; i < 4; ++i) fa[i] = tf32(a[(l.group + i % 2 * 8) * 8 + l.member + i / 2 * 4]);
  for (int i = 0; i < 2; ++i) fb[i] = tf32(b[l.group * 8 + l.member + i * 4]);
  load_c(c, fc, l);
  MMA_4_4_2("m16n8k8.row.col.f32.tf32.tf32.f32", fc, fa, fb);
  store_d(d, fc, l);
}

__global__ void tf32_k4_kernel(const float* a, const float* b, const float* c, float* d) {
  const Lane l;
  unsigned fa[2], fb[1];
  float fc[4];
  for (int i = 0; i < 2; ++i) fa[i] = tf32(a[(l.group + i * 8) * 4 + l.member]);
  fb[0] = tf32(b[l.group * 4 + l.member]);
  load_c(c, fc, l);
  MMA_4_2_1("m16n8k4.row.col.f32.tf32.tf32.f32", fc, fa, fb);
  store_d(d, fc, l);
}

__global__ void s8_kernel(const int8_t* a, const int8_t* b, const int* c, int* d) {
  const Lane l;
  const auto four = [](const int8_t* x) { return *reinterpret_cast<const unsigned*>(x); };
  unsigned fa[4], fb[2];
  int fc[4];
  for (int i = 0; i < 4; ++i) fa[i] = four(a + (l.group + i % 2 * 8) * 32 + l.member * 4 + i / 2 * 16);
  for (int i = 0; i < 2; ++i) fb[i] = four(b + l.group * 32 + l.member * 4 + i * 16);
  for (int i = 0; i < 4; ++i) fc[i] = c[(l.group + i / 2 * 8) * 8 + l.member * 2 + i % 2];
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+r"(fc[0]), "+r"(fc[1]), "+r"(fc[2]), "+r"(fc[3])
      : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
  for (int i = 0; i < 4; ++i) d[(l.group + i / 2 * 8) * 8 + l.member * 2 + i % 2] = fc[i];
}

__global__ void f64_kernel(const double* a, const double* b, const double* c, double* d) {
  const Lane l;
  double fc[2] = {c[l.group * 8 + l.member * 2], c[l.group * 8 + l.member * 2 + 1]};
  asm volatile("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, {%3}, {%0,%1};"
               : "+d"(fc[0]), "+d"(fc[1])
               : "d"(a[l.group * 4 + l.member]), "d"(b[l.group * 4 + l.member]));
  d[l.group * 8 + l.member * 2] = fc[0];
  d[l.group * 8 + l.member * 2 + 1] = fc[1];
}

// C [m, n] = A [m, k] B [k, n], both row-major, in tiles of 32 x 32 by 2 x 2 warps of 16 x 16: A through
// ldmatrix, B through ldmatrix.trans, both from shared memory whose 16-byte chunks are swizzled.
__global__ void bf16_kernel(const uint16_t* a, const uint16_t* b, float* c, int n, int k) {
  __shared__ __align__(16) uint16_t as[32 * 32], bs[32 * 32];
  const int row = blockIdx.y * 32, column = blockIdx.x * 32;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, wm = warp / 2 * 16, wn = warp % 2 * 16;
  const auto at = [](int r, int chunk) { return r * 32 + (chunk ^ (r / 2 % 4)) * 8; };
  const auto address = [](const uint16_t* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); };
  float sums[2][4] = {};
  for (int start = 0; start < k; start += 32) {
    const int r = threadIdx.x / 4, chunk = threadIdx.x % 4;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address(as + at(r, chunk))),
                 "l"(a + (row + r) * k + start + chunk * 8));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address(bs + at(r, chunk))),
                 "l"(b + (start + r) * n + column + chunk * 8));
    asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
#pragma unroll
    for (int q = 0; q < 32; q += 16) {
      unsigned fa[4], fb[4];
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(fa[0]), "=r"(fa[1]), "=r"(fa[2]), "=r"(fa[3])
                   : "r"(address(as + at(wm + lane % 16, q / 8 + lane / 16)))
                   : "memory");
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(fb[0]), "=r"(fb[1]), "=r"(fb[2]), "=r"(fb[3])
                   : "r"(address(bs + at(q + lane % 16, wn / 8 + lane / 16)))
                   : "memory");
      MMA_4_4_2("m16n8k16.row.col.f32.bf16.bf16.f32", sums[0], fa, (&fb[0]));
      MMA_4_4_2("m16n8k16.row.col.f32.bf16.bf16.f32", sums[1], fa, (&fb[2]));
    }
    __syncthreads();
  }
  for (int half = 0; half < 2; ++half)
    for (int i = 0; i < 4; ++i)
      c[(row + wm + lane / 4 + i / 2 * 8) * n + column + wn + half * 8 + lane % 4 * 2 + i % 2] =
          sums[half][i];
}

}  // namespace

void mma_bf16_k16(const uint16_t* a, const uint16_t* b, const float* c, float* d) {
  k16_kernel<true><<<1, 32>>>(a, b, c, d);
}
void mma_bf16_k8(const uint16_t* a, const uint16_t* b, const float* c, float* d) {
  k8_kernel<true><<<1, 32>>>(a, b, c, d);
}
void mma_f16_k16(const uint16_t* a, const uint16_t* b, const float* c, float* d) {
  k16_kernel<false><<<1, 32>>>(a, b, c, d);
}
void mma_f16_k8(const uint16_t* a, const uint16_t* b, const float* c, float* d) {
  k8_kernel<false><<<1, 32>>>(a, b, c, d);
}
void mma_f16_half(const uint16_t* a, const uint16_t* b, const uint16_t* c, uint16_t* d) {
  half_kernel<<<1, 32>>>(a, b, c, d);
}
void mma_tf32_k8(const float* a, const float* b, const float* c, float* d) {
  tf32_k8_kernel<<<1, 32>>>(a, b, c, d);
}
void mma_tf32_k4(const float* a, const float* b, const float* c, float* d) {
  tf32_k4_kernel<<<1, 32>>>(a, b, c, d);
}
void mma_s8_k32(const int8_t* a, const int8_t* b, const int* c, int* d) {
  s8_kernel<<<1, 32>>>(a, b, c, d);
}
void mma_f64_k4(const double* a, const double* b, const double* c, double* d) {
  f64_kernel<<<1, 32>>>(a, b, c, d);
}
void product_bf16(const uint16_t* a, const uint16_t* b, float* c, int m, int n, int k) {
  bf16_kernel<<<dim3(n / 32, m / 32), 128>>>(a, b, c, n, k);
}

}  // namespace programs
