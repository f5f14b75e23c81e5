#include <cstdio>
#include <memory>
#include <new>

#include "cuda/runtime/calls.h"
#include "cuda/runtime/rivals.h"

namespace agon::cuda {

const agon_cuda_build* build() {
  static constexpr agon_cuda_build facts{CUDART_VERSION, AGON_CUDA_ARCH_LIST, 80};
  return &facts;
}

int driver_version(int* version) {
  *version = 0;
  return report(nullptr, cudaDriverGetVersion(version), "driver version");
}

int device_count(int* count) {
  *count = 0;
  return report(nullptr, cudaGetDeviceCount(count), "device count");
}

int describe(int device, agon_cuda_device* out) {
  *out = {};
  cudaDeviceProp properties{};
  if (const int status = report(nullptr, cudaGetDeviceProperties(&properties, device), "device properties"))
    return status;
  std::snprintf(out->name, sizeof out->name, "%s", properties.name);
  out->major = properties.major;
  out->minor = properties.minor;
  out->multiprocessors = properties.multiProcessorCount;
  out->memory_bytes = properties.totalGlobalMem;
  out->shared_bytes_per_block = properties.sharedMemPerBlockOptin;
  int clock = 0;
  if (cudaDeviceGetAttribute(&clock, cudaDevAttrClockRate, device) == cudaSuccess) out->clock_khz = clock;
  for (int i = 0; i < 16; ++i)
    std::snprintf(out->uuid + 2 * i, 3, "%02x", static_cast<unsigned char>(properties.uuid.bytes[i]));
  return agon_cuda_ok;
}

int open(int device, void* stream, agon_cuda_context** out) {
  *out = nullptr;
  std::unique_ptr<agon_cuda_context> context(new (std::nothrow) agon_cuda_context);
  if (!context) return agon_cuda_out_of_memory;
  context->device = device;
  if (const int status = report(nullptr, enter(context.get()), "opening the device")) return status;
  for (cudaStream_t* made : {&context->own, &context->copy})
    if (const int status =
            report(nullptr, cudaStreamCreateWithFlags(made, cudaStreamNonBlocking), "making a stream")) {
      if (context->own != nullptr) cudaStreamDestroy(context->own);
      return status;
    }
  context->compute = stream != nullptr ? static_cast<cudaStream_t>(stream) : context->own;
  *out = context.release();
  return agon_cuda_ok;
}

void close(agon_cuda_context* context) {
  if (context == nullptr) return;
  enter(context);
  drop_rivals(context);
  cudaStreamDestroy(context->copy);
  cudaStreamDestroy(context->own);
  delete context;
}

int use_stream(agon_cuda_context* context, void* stream) {
  const auto next = stream != nullptr ? static_cast<cudaStream_t>(stream) : context->own;
  if (next == context->compute) return agon_cuda_ok;
  cudaEvent_t done = nullptr;
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaEventCreateWithFlags(&done, cudaEventDisableTiming);
  if (error == cudaSuccess) error = cudaEventRecord(done, context->compute);
  if (error == cudaSuccess) error = cudaStreamWaitEvent(next, done, 0);
  if (done != nullptr) cudaEventDestroy(done);
  if (error == cudaSuccess) context->compute = next;
  return report(context, error, "changing the stream");
}

int synchronize(agon_cuda_context* context) {
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaStreamSynchronize(context->copy);
  if (error == cudaSuccess) error = cudaStreamSynchronize(context->compute);
  return report(context, error, "waiting for the device");
}

}  // namespace agon::cuda
