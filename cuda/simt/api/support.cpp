#include "cuda/simt/api/support.h"

#include "cuda/simt/api/capture.h"

namespace agon::simt::api {
namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local std::string message;

}  // namespace

cudaError_t note(const char* call, cudaError_t error, std::string words) {
  last_error = error;
  message = fmt::format("{}: {}", call, words.empty() ? cudaGetErrorString(error) : words.c_str());
  return error;
}

const std::string& last_message() {
  return message;
}

cudaError_t settle(Device& device) {
  const int failure = device.take_failure();
  if (failure == 0) return cudaSuccess;
  const auto& reports = device.reports();
  refuse(static_cast<cudaError_t>(failure), "{}",
         reports.empty() ? "an earlier fault" : reports.back().message);
}

Stream& stream_of(Device& device, cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return device.scheduler().default_stream();
  require(handle != cudaStreamPerThread, cudaErrorNotSupported,
          "the simulated device has no per-thread default stream; create a stream");
  auto* stream = reinterpret_cast<Stream*>(handle);
  require(device.scheduler().owns(stream), cudaErrorInvalidResourceHandle,
          "the stream was destroyed or never made");
  return *stream;
}

void submit(Device& device, Stream& stream, Work work) {
  if (stream.capture) {
    capture_node(stream, [&](Graph& graph, const std::vector<GraphNode*>& before) {
      return graph.add(std::move(work), before);
    });
    return;
  }
  refuse_implicit_sync(device, stream);
  device.scheduler().spend(2e-6);
  device.scheduler().push(stream, std::move(work));
}

}  // namespace agon::simt::api

using namespace agon::simt;

AGON_API cudaError_t cudaGetLastError() {
  const int fault = Device::instance().fault();
  if (fault) return static_cast<cudaError_t>(fault);
  return std::exchange(api::last_error, cudaSuccess);
}

AGON_API cudaError_t cudaPeekAtLastError() {
  const int fault = Device::instance().fault();
  return fault ? static_cast<cudaError_t>(fault) : api::last_error;
}
