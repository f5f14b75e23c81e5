#pragma once
#include <cstdint>
#include <cuda_runtime_api.h>
#include <random>
#include <string>
#include <vector>

/// Whole small CUDA programs, run on the device and compared with the host. Each family's kernels and
/// launches are in programs_*.cu, what they must compute in programs_*.cpp.
namespace programs {

/// Throws std::runtime_error with the CUDA error's name and what the device reported.
void check(cudaError_t status, const char* what);
/// Waits for the device; throws if anything was reported since the last call.
void finish();
/// The order of blocks, warps and streams from here on.
void set_seed(int seed);

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t size) : size_(size) {
    check(cudaMalloc(reinterpret_cast<void**>(&data_), size * sizeof(T)), "cudaMalloc");
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    check(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(data_); }

  T* data() { return data_; }
  size_t size() const { return size_; }
  std::vector<T> host() const {
    std::vector<T> values(size_);
    check(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return values;
  }
  void zero() {
    check(cudaMemset(data_, 0, size_ * sizeof(T)), "cudaMemset");
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // streams of their own do not wait for it
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

std::vector<float> random_floats(size_t size, unsigned seed, float low = -1, float high = 1);
std::vector<int> random_ints(size_t size, unsigned seed, int low, int high);

// programs_reduce.cu
void sum_blocks(const float* x, int n, float* partial, int blocks, float* total, unsigned* counter);
void minimum_index(const float* x, int n, int* index);
void histogram(const int* x, int n, unsigned* bins, int bin_count);
void compact(const int* x, int n, int* kept, int* count);
void group_counts(const int* keys, int n, int* totals);
void sum_doubles(const double* x, int n, double* total);

// programs_scan.cu
void scan(const int* x, int n, int* inclusive, int* block_sums);
void segmented_sum(const float* x, const int* starts, int segments, float* sums);
void sort_block(int* x, int n);

// programs_product.cu
void product_simple(const float* a, const float* b, float* c, int m, int n, int k);
void product_tiled(const float* a, const float* b, float* c, int m, int n, int k);
void product_registers(const float* a, const float* b, float* c, int m, int n, int k);
void product_pipelined(const float* a, const float* b, float* c, int m, int n, int k);
void transpose(const float* x, float* y, int rows, int columns);
void stencil(const float* x, float* y, int n, int radius, const float* weights);

// programs_mma.cu: one product of the shape, from dense row-major a [m, k] and column-major b [n, k].
void mma_bf16_k16(const uint16_t* a, const uint16_t* b, const float* c, float* d);
void mma_bf16_k8(const uint16_t* a, const uint16_t* b, const float* c, float* d);
void mma_f16_k16(const uint16_t* a, const uint16_t* b, const float* c, float* d);
void mma_f16_k8(const uint16_t* a, const uint16_t* b, const float* c, float* d);
void mma_f16_half(const uint16_t* a, const uint16_t* b, const uint16_t* c, uint16_t* d);
void mma_tf32_k8(const float* a, const float* b, const float* c, float* d);
void mma_tf32_k4(const float* a, const float* b, const float* c, float* d);
void mma_s8_k32(const int8_t* a, const int8_t* b, const int* c, int* d);
void mma_f64_k4(const double* a, const double* b, const double* c, double* d);
void product_bf16(const uint16_t* a, const uint16_t* b, float* c, int m, int n, int k);

// programs_streams.cu
void fill(float* x, int n, float value, cudaStream_t stream);
void scale_add(const float* x, const float* y, float* z, int n, float a, cudaStream_t stream);
void bump(int* counter, cudaStream_t stream);

// programs_language.cu
void collatz(const int* x, int n, int* steps);
void dispatch(const int* x, int n, int* y);
void mandelbrot(int* iterations, int width, int height, int limit);
void integers(const int64_t* x, const int64_t* y, int n, int64_t* out);
void halves(const float* x, const float* y, int n, float* out);
void doubles(const double* x, int n, double* out);
void functions(const float* x, int n, float* out);
void local_arrays(const int* x, int n, int* y);
void constants(const int* x, int n, float* y);
void set_constants(const float (&table)[16]);
int count_of_launches();
void print_lines(int lines);
void nested_calls(const int* x, int n, int* y);
void bodies(const float* position, int n, float* acceleration);

}  // namespace programs
