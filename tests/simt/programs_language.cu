// What the language offers: divergent loops, switches, integers of all widths, halves, doubles, math
// functions, local arrays, constants, calls, printf.
#include <cstdio>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "programs.h"

namespace programs {
namespace {

__constant__ float constant_table[16];
__device__ int launches;
__device__ const char* const words[3] = {"zero", "one", "two"};

__global__ void collatz_kernel(const int* x, int n, int* steps) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  long long v = x[i];
  int count = 0;
  while (v != 1) {
    if (v % 2 == 0)
      v /= 2;
    else
      v = 3 * v + 1;
    ++count;
  }
  steps[i] = count;
}

__global__ void dispatch_kernel(const int* x, int n, int* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int v = x[i], out = 0;
  for (int round = 0; round < 3; ++round) {
    switch (v % 8) {
      case 0:
        out += 1;
        break;
      case 1:
        out ^= v;
        continue;
      case 2:
        out -= 7;
        [[fallthrough]];
      case 3:
        out *= 3;
        break;
      case 4:
        y[i] = out;
        return;
      case 5:
        out = out << 2 | 1;
        break;
      case 6:
        for (int k = 0; k < v % 5; ++k) out += k * v;
        break;
      default:
        out = -out;
    }
    v = v / 3 + 1;
  }
  y[i] = out;
}

__global__ void mandelbrot_kernel(int* iterations, int width, int height, int limit) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) return;
  const double cr = -2.0 + 3.0 * x / width, ci = -1.5 + 3.0 * y / height;
  double zr = 0, zi = 0;
  int i = 0;
  for (; i < limit && zr * zr + zi * zi < 4; ++i) {
    const double next = __dadd_rn(__dmul_rn(zr, zr), -__dmul_rn(zi, zi));
    zi = __dadd_rn(__dmul_rn(2 * zr, zi), ci);
    zr = __dadd_rn(next, cr);
  }
  iterations[y * width + x] = i;
}

constexpr int integer_results = 16;

__global__ void integers_kernel(const int64_t* xs, const int64_t* ys, int n, int64_t* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const int64_t x = xs[i], y = ys[i];
  const auto a = static_cast<int32_t>(x), b = static_cast<int32_t>(y);
  const auto ua = static_cast<uint32_t>(x), ub = static_cast<uint32_t>(y);
  const auto ux = static_cast<uint64_t>(x), uy = static_cast<uint64_t>(y);
  const auto sa = static_cast<int16_t>(x), sb = static_cast<int16_t>(y);
  int64_t* r = out + i * integer_results;
  r[0] = x / y;
  r[1] = x % y;
  r[2] = static_cast<int64_t>(ux / uy);
  r[3] = b == 0 ? 0 : a % b;
  r[4] = ub == 0 ? 0 : ua / ub;
  r[5] = __mulhi(a, b);
  r[6] = static_cast<int64_t>(__umul64hi(ux, uy));
  r[7] = static_cast<int64_t>(ux << (ub % 64)) ^ (x >> (ua % 64));
  r[8] = __popc(ua) + 100 * __clz(a) + 10000 * __ffs(b) + 1000000 * __popcll(ux);
  r[9] = static_cast<int64_t>(__brevll(ux));
  r[10] = __funnelshift_l(ua, ub, ua % 32) ^ __byte_perm(ua, ub, 0x3614);
  r[11] = static_cast<int16_t>(sa * sb) + (sb == 0 ? 0 : sa / sb);
  r[12] = static_cast<int8_t>(x) * static_cast<uint8_t>(y);
  const __int128 wide = static_cast<__int128>(x) * y + ux;
  r[13] = static_cast<int64_t>(wide >> 64) ^ static_cast<int64_t>(wide);
  r[14] = max(a, b) - min(x, y) + abs(a / 2);
  r[15] = static_cast<int64_t>(ua) * ub + static_cast<int64_t>(a) * b;
}

constexpr int half_results = 8;

__global__ void halves_kernel(const float* xs, const float* ys, int n, float* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float x = xs[i], y = ys[i];
  float* r = out + i * half_results;
  const __half hx = __float2half(x), hy = __float2half(y);
  r[0] = __half2float(hx);
  r[1] = __half2float(__hadd(hx, hy));
  r[2] = __half2float(__hmul(hx, hy));
  const __half2 h2 = __hfma2(__halves2half2(hx, hy), __halves2half2(hy, hy), __halves2half2(hy, hx));
  r[3] = __low2float(h2);
  r[4] = __high2float(h2);
  const __nv_bfloat162 b2 = __floats2bfloat162_rn(x, y);
  r[5] = __low2float(b2);
  r[6] = __bfloat162float(__hfma(__low2bfloat16(b2), __high2bfloat16(b2), __high2bfloat16(b2)));
  r[7] = __bfloat162float(__hmax(__low2bfloat16(b2), __high2bfloat16(b2)));
}

__global__ void doubles_kernel(const double* xs, int n, double* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const double x = xs[i];
  double* r = out + 8 * i;
  r[0] = sqrt(x);
  r[1] = 1 / x;
  r[2] = exp(x);
  r[3] = log(x);
  r[4] = sin(x);
  r[5] = pow(x, 0.3);
  r[6] = tanh(x);
  r[7] = fma(x, x, -x) + floor(x) + rint(x * 3);
}

__global__ void functions_kernel(const float* xs, int n, float* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float x = xs[i];
  float* r = out + 12 * i;
  r[0] = sqrtf(x);
  r[1] = 1 / x;
  r[2] = expf(x);
  r[3] = logf(x);
  r[4] = sinf(x);
  r[5] = cosf(x * 1000);  // the slow path of the range reduction
  r[6] = powf(x, 1.7f);
  r[7] = tanhf(x);
  r[8] = rsqrtf(x);
  r[9] = erff(x);
  r[10] = __expf(x);
  r[11] = fmaf(x, x, x) + floorf(x) + fminf(x, 1) + copysignf(2, -x);
}

// An array indexed by data, which lies in local memory.
__global__ void local_kernel(const int* x, int n, int* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int counts[10];
  for (int& c : counts) c = 0;
  for (int v = x[i]; v > 0; v /= 10) ++counts[v % 10];
  int best = 0;
  for (int d = 1; d < 10; ++d)
    if (counts[d] > counts[best]) best = d;
  y[i] = best * 100 + counts[best];
}

__global__ void constants_kernel(const int* x, int n, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i == 0) atomicAdd(&launches, 1);
  if (i < n) y[i] = constant_table[x[i] & 15] + constant_table[3];
}

__global__ void print_kernel(int lines) {
  for (int i = 0; i < lines; ++i)
    printf("line %d of %s: %5.2f %lld %c %x %%\n", i, words[i % 3], i * 0.25, 1ll << (40 + i), 'a' + i,
           255u * i);
}

struct Pair {
  int low, high;
  double weight;
};

__device__ __noinline__ int twice(int x) {
  return 2 * x;
}
__device__ __noinline__ Pair sorted(Pair p) {
  if (p.low > p.high) return {p.high, p.low, -p.weight};
  return p;
}
__device__ __noinline__ int digits(int x, int* into) {
  int count = 0;
  do {
    into[count++] = x % 10;
    x /= 10;
  } while (x > 0);
  return count;
}
__device__ __noinline__ int weigh(int x) {
  int into[12];
  const int count = digits(x, into);
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += twice(into[i]) * (i + 1);
  return sum;
}

__global__ void calls_kernel(const int* x, int n, int* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const Pair p = sorted({x[i], x[(i + 1) % n], 0.5 * i});
  y[i] = weigh(x[i]) + 1000 * (p.high - p.low) + (p.weight < 0 ? 1 : 0) + twice(p.low);
}

__global__ void bodies_kernel(const float4* position, int n, float4* acceleration) {
  __shared__ float4 tile[64];
  const int i = blockIdx.x * 64 + threadIdx.x;
  const float4 me = i < n ? position[i] : make_float4(0, 0, 0, 0);
  float3 sum = make_float3(0, 0, 0);
  for (int start = 0; start < n; start += 64) {
    const int other = start + threadIdx.x;
    tile[threadIdx.x] = other < n ? position[other] : make_float4(0, 0, 0, 0);
    __syncthreads();
    for (int k = 0; k < 64; ++k) {
      const float4 p = tile[k];
      const float dx = p.x - me.x, dy = p.y - me.y, dz = p.z - me.z;
      const float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + 0.01f);
      const float scale = p.w * inverse * inverse * inverse;
      sum.x += dx * scale;
      sum.y += dy * scale;
      sum.z += dz * scale;
    }
    __syncthreads();
  }
  if (i < n) acceleration[i] = make_float4(sum.x, sum.y, sum.z, 0);
}

int blocks(int n) {
  return (n + 63) / 64;
}

}  // namespace

void collatz(const int* x, int n, int* steps) {
  collatz_kernel<<<blocks(n), 64>>>(x, n, steps);
}
void dispatch(const int* x, int n, int* y) {
  dispatch_kernel<<<blocks(n), 64>>>(x, n, y);
}
void mandelbrot(int* iterations, int width, int height, int limit) {
  mandelbrot_kernel<<<dim3((width + 15) / 16, (height + 3) / 4), dim3(16, 4)>>>(iterations, width, height,
                                                                                limit);
}
void integers(const int64_t* x, const int64_t* y, int n, int64_t* out) {
  integers_kernel<<<blocks(n), 64>>>(x, y, n, out);
}
void halves(const float* x, const float* y, int n, float* out) {
  halves_kernel<<<blocks(n), 64>>>(x, y, n, out);
}
void doubles(const double* x, int n, double* out) {
  doubles_kernel<<<blocks(n), 64>>>(x, n, out);
}
void functions(const float* x, int n, float* out) {
  functions_kernel<<<blocks(n), 64>>>(x, n, out);
}
void local_arrays(const int* x, int n, int* y) {
  local_kernel<<<blocks(n), 64>>>(x, n, y);
}
void constants(const int* x, int n, float* y) {
  constants_kernel<<<blocks(n), 64>>>(x, n, y);
}
void set_constants(const float (&table)[16]) {
  check(cudaMemcpyToSymbol(constant_table, table, sizeof table), "cudaMemcpyToSymbol");
}
int count_of_launches() {
  int count = 0;
  check(cudaMemcpyFromSymbol(&count, launches, sizeof count), "cudaMemcpyFromSymbol");
  return count;
}
void print_lines(int lines) {
  print_kernel<<<1, 1>>>(lines);
}
void nested_calls(const int* x, int n, int* y) {
  calls_kernel<<<blocks(n), 64>>>(x, n, y);
}
void bodies(const float* position, int n, float* acceleration) {
  bodies_kernel<<<blocks(n), 64>>>(reinterpret_cast<const float4*>(position), n,
                                   reinterpret_cast<float4*>(acceleration));
}

}  // namespace programs
