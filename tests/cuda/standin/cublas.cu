// Stands in for cuBLAS: the functions that the library's rivals call, by a naive kernel over column-major
// matrices.
#include <cuda_runtime_api.h>

namespace {

struct Context {
  cudaStream_t stream = nullptr;
};

__global__ void multiply(bool ta, bool tb, int m, int n, int k, const float* a, int lda, long long sa,
                         const float* b, int ldb, long long sb, float kept, float* c, int ldc, long long sc) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), j = static_cast<int>(blockIdx.y);
  if (i >= m) return;
  a += blockIdx.z * sa, b += blockIdx.z * sb, c += blockIdx.z * sc;
  float sum = 0;
  for (int e = 0; e < k; ++e)
    sum = fmaf(ta ? a[i * static_cast<long long>(lda) + e] : a[e * static_cast<long long>(lda) + i],
               tb ? b[e * static_cast<long long>(ldb) + j] : b[j * static_cast<long long>(ldb) + e], sum);
  float& to = c[j * static_cast<long long>(ldc) + i];
  to = (kept != 0 ? kept * to : 0) + sum;
}

}  // namespace

extern "C" {

int cublasCreate_v2(void** handle) {
  *handle = new Context;
  return 0;
}
int cublasDestroy_v2(void* handle) {
  delete static_cast<Context*>(handle);
  return 0;
}
int cublasSetStream_v2(void* handle, cudaStream_t stream) {
  static_cast<Context*>(handle)->stream = stream;
  return 0;
}
int cublasSetWorkspace_v2(void*, void* memory, size_t) {
  return memory != nullptr ? 0 : 1;
}
int cublasSetMathMode(void*, int) {
  return 0;
}
int cublasGetProperty(int part, int* value) {
  *value = part == 0 ? 13 : 0;
  return 0;
}
int cublasGetVersion_v2(void*, int* version) {
  *version = 130000;
  return 0;
}
int cublasSgemmStridedBatched(void* handle, int ta, int tb, int m, int n, int k, const float*, const float* a,
                              int lda, long long sa, const float* b, int ldb, long long sb, const float* kept,
                              float* c, int ldc, long long sc, int batch) {
  const dim3 grid(static_cast<unsigned>((m + 63) / 64), static_cast<unsigned>(n),
                  static_cast<unsigned>(batch));
  multiply<<<grid, 64, 0, static_cast<Context*>(handle)->stream>>>(ta != 0, tb != 0, m, n, k, a, lda, sa, b,
                                                                   ldb, sb, *kept, c, ldc, sc);
  return cudaGetLastError() == cudaSuccess ? 0 : 1;
}

}  // extern "C"
