// Kernels for programs over several streams and graphs.
#include "programs.h"

namespace programs {
namespace {

__global__ void fill_kernel(float* x, int n, float value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = value;
}

__global__ void scale_add_kernel(const float* x, const float* y, float* z, int n, float a) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) z[i] = a * x[i] + y[i];
}

__global__ void bump_kernel(int* counter) {
  *counter += 1;
}

}  // namespace

void fill(float* x, int n, float value, cudaStream_t stream) {
  fill_kernel<<<(n + 127) / 128, 128, 0, stream>>>(x, n, value);
}
void scale_add(const float* x, const float* y, float* z, int n, float a, cudaStream_t stream) {
  scale_add_kernel<<<(n + 127) / 128, 128, 0, stream>>>(x, y, z, n, a);
}
void bump(int* counter, cudaStream_t stream) {
  bump_kernel<<<1, 1, 0, stream>>>(counter);
}

}  // namespace programs
